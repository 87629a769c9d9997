//! What is wrong with a file, and what the operator should know about it.

use std::fmt;

/// Where something stands in the file, both counted from 1.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Place {
    /// Line.
    pub line: u64,
    /// Column, in characters.
    pub column: u64,
}

/// One thing to say about a configuration file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// One sentence, lower case, no full stop.
    pub message: String,
    /// Where in the file, if it is anywhere.
    pub place: Option<Place>,
    /// What to do about it.
    pub help: Option<String>,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Severity {
    /// Nothing to do.
    Note,
    /// The router starts, but does not do what the file says.
    Warning,
    /// The router does not start.
    Error,
}

/// Why there is no configuration: every problem of the file at once.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConfigErrors {
    /// The file, as it was named.
    pub name: String,
    /// At least one of them is an error; in the order of the file.
    pub findings: Vec<Finding>,
}

/// Why a text is not the YAML that was expected.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NotYaml {
    /// One sentence, lower case, no full stop.
    pub message: String,
    /// Where in the text, if it is known.
    pub place: Option<Place>,
}

impl fmt::Display for NotYaml {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Some(place) => write!(f, "{place}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for NotYaml {}

/// Collects findings while a file is read.
#[derive(Debug, Default)]
pub(super) struct Report {
    findings: Vec<Finding>,
}

impl Severity {
    /// The word that is printed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Note => "note",
            Self::Warning => "warning",
        }
    }
}

impl Finding {
    fn new(severity: Severity, message: impl Into<String>) -> Self {
        Self {
            severity,
            message: message.into(),
            place: None,
            help: None,
        }
    }

    /// Adds the place.
    #[must_use]
    pub(super) fn at(mut self, place: impl Into<Option<Place>>) -> Self {
        self.place = place.into();
        self
    }

    /// Adds what to do.
    #[must_use]
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The form that is printed, over several lines: what, where, what to do.
    pub fn display<'a>(&'a self, file: &'a str) -> impl fmt::Display + 'a {
        fmt::from_fn(move |f| {
            write!(f, "{}: {}", self.severity.as_str(), self.message)?;
            match self.place {
                Some(place) => write!(f, "\n  --> {file}:{place}")?,
                None => write!(f, "\n  --> {file}")?,
            }
            match &self.help {
                Some(help) => write!(f, "\n   = help: {help}"),
                None => Ok(()),
            }
        })
    }
}

impl ConfigErrors {
    /// The file could not be read at all.
    pub(super) fn unreadable(name: &str, error: &std::io::Error) -> Self {
        let finding = Finding::new(Severity::Error, format!("cannot read the file: {error}"));
        Self {
            name: name.to_owned(),
            findings: vec![finding],
        }
    }

    /// The findings that stop the router.
    pub fn errors(&self) -> impl Iterator<Item = &Finding> {
        self.findings
            .iter()
            .filter(|finding| finding.severity == Severity::Error)
    }
}

/// One line: the first problem, its place, and how many more there are.
impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut errors = self.errors();
        let Some(first) = errors.next() else {
            return f.write_str(&self.name);
        };
        match first.place {
            Some(place) => write!(f, "{}:{place}: {}", self.name, first.message)?,
            None => write!(f, "{}: {}", self.name, first.message)?,
        }
        match errors.count() {
            0 => Ok(()),
            more => write!(f, " (and {more} more)"),
        }
    }
}

impl std::error::Error for ConfigErrors {}

impl Report {
    /// Says why the router cannot start.
    pub(super) fn error(&mut self, place: impl Into<Option<Place>>, message: impl Into<String>) {
        self.findings
            .push(Finding::new(Severity::Error, message).at(place));
    }

    /// Says what will not happen as the file has it.
    pub(super) fn warning(&mut self, place: impl Into<Option<Place>>, message: impl Into<String>) {
        self.findings
            .push(Finding::new(Severity::Warning, message).at(place));
    }

    /// Says what is harmless, but not needed.
    pub(super) fn note(&mut self, place: impl Into<Option<Place>>, message: impl Into<String>) {
        self.findings
            .push(Finding::new(Severity::Note, message).at(place));
    }

    /// Adds what to do to the last finding.
    pub(super) fn help(&mut self, help: impl Into<String>) {
        if let Some(last) = self.findings.pop() {
            self.findings.push(last.help(help));
        }
    }

    /// The text is not YAML; nothing else can be said.
    pub(super) fn not_yaml(&mut self, error: NotYaml) {
        self.error(error.place, error.message);
    }

    /// Everything that was said, in the order of the file; `Err` when the router cannot start.
    pub(super) fn finish(mut self, name: &str) -> Result<Vec<Finding>, ConfigErrors> {
        self.findings.sort_by_key(|finding| finding.place);
        match self
            .findings
            .iter()
            .any(|finding| finding.severity == Severity::Error)
        {
            true => Err(ConfigErrors {
                name: name.to_owned(),
                findings: self.findings,
            }),
            false => Ok(self.findings),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}
