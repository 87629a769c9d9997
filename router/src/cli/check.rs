//! `check`: what is wrong with a configuration file, and what has no effect.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::config::{Config, Finding, Severity};

use super::args::{Check, Format};

/// What `check` has to say about one file.
struct Verdict {
    file: String,
    findings: Vec<Finding>,
}

/// Checks `file`, or the defaults where there is none.
pub(super) fn run(file: Option<&Path>, check: &Check) -> ExitCode {
    let Some(file) = file else {
        let _ = writeln!(
            io::stderr(),
            "error: no file to check\n   = help: switchyard-router check FILE"
        );
        return ExitCode::from(FAULTY);
    };
    let verdict = Verdict::of(file);
    // Nobody is left to tell when stdout or stderr is closed; the code still says it.
    let _ = match check.format {
        Format::Json => writeln!(io::stdout(), "{}", verdict.to_json()),
        Format::Text => verdict.print(&mut io::stdout().lock(), &mut io::stderr().lock()),
    };
    ExitCode::from(verdict.code(check.strict))
}

impl Verdict {
    fn of(file: &Path) -> Self {
        let findings = match Config::load(file) {
            Ok(loaded) => loaded.findings,
            Err(errors) => errors.findings,
        };
        Self {
            file: file.display().to_string(),
            findings,
        }
    }

    fn code(&self, strict: bool) -> u8 {
        match self.findings.iter().map(|finding| finding.severity).max() {
            Some(Severity::Error) => FAULTY,
            Some(Severity::Warning) if strict => DOUBTFUL,
            Some(Severity::Note | Severity::Warning) | None => FINE,
        }
    }

    fn count(&self, severity: Severity) -> usize {
        self.findings
            .iter()
            .filter(|finding| finding.severity == severity)
            .count()
    }

    fn print(&self, out: &mut impl Write, err: &mut impl Write) -> io::Result<()> {
        for finding in &self.findings {
            writeln!(err, "{}", finding.display(&self.file))?;
        }
        let word = if self.count(Severity::Error) == 0 {
            "ok"
        } else {
            "faulty"
        };
        let counted: Vec<_> = [Severity::Error, Severity::Warning, Severity::Note]
            .into_iter()
            .filter_map(|severity| match (self.count(severity), severity.as_str()) {
                (0, _) => None,
                (1, name) => Some(format!(", 1 {name}")),
                (many, name) => Some(format!(", {many} {name}s")),
            })
            .collect();
        writeln!(out, "{}: {word}{}", self.file, counted.concat())
    }

    fn to_json(&self) -> Value {
        let findings: Vec<_> = self
            .findings
            .iter()
            .map(|finding| {
                json!({
                    "severity": finding.severity.as_str(),
                    "message": finding.message,
                    "line": finding.place.map(|place| place.line),
                    "column": finding.place.map(|place| place.column),
                    "help": finding.help,
                })
            })
            .collect();
        let ok = self.count(Severity::Error) == 0;
        json!({ "file": self.file, "ok": ok, "findings": findings })
    }
}

const FINE: u8 = 0;
const DOUBTFUL: u8 = 1;
const FAULTY: u8 = 2;

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::path::Path;

    use super::{DOUBTFUL, FAULTY, FINE, Verdict};

    fn verdict(text: &str) -> Verdict {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        Verdict::of(file.path())
    }

    fn codes(text: &str) -> (u8, u8) {
        let verdict = verdict(text);
        (verdict.code(false), verdict.code(true))
    }

    #[test]
    fn the_code_is_the_worst_finding() {
        assert_eq!(codes("port: 80\n"), (FINE, FINE));
        assert_eq!(codes("pid_file: /run/x\n"), (FINE, FINE));
        assert_eq!(codes("prot: 80\n"), (FINE, DOUBTFUL));
        assert_eq!(codes("prot: 80\nport: eighty\n"), (FAULTY, FAULTY));
    }

    #[test]
    fn an_unreadable_file_is_an_error() {
        for missing in ["/nonexistent/gorouter.yml", "/"] {
            assert_eq!(Verdict::of(Path::new(missing)).code(false), FAULTY);
        }
    }

    #[test]
    fn people_see_file_line_and_column() {
        let verdict = verdict("zone: a\nprot: 80\nport: eighty\n");
        let (mut out, mut err) = (Vec::new(), Vec::new());
        verdict.print(&mut out, &mut err).unwrap();
        let (out, err) = (
            String::from_utf8(out).unwrap(),
            String::from_utf8(err).unwrap(),
        );
        let file = &verdict.file;
        let expected = format!(
            "warning: unknown key `prot` is ignored\n  --> {file}:2:1\n   = help: did you mean `port`?\n\
             error: `port` must be a whole number from 0 to 65535, found `eighty`\n  --> {file}:3:7\n"
        );
        assert_eq!(err, expected);
        assert_eq!(out, format!("{file}: faulty, 1 error, 1 warning\n"));
    }

    #[test]
    fn machines_see_the_same() {
        let json = verdict("zone: a\nprot: 80\n").to_json();
        assert_eq!(json["ok"], true);
        assert_eq!(json["findings"][0]["severity"], "warning");
        assert_eq!(json["findings"][0]["line"], 2);
        assert_eq!(json["findings"][0]["help"], "did you mean `port`?");
    }
}
