//! What a build runs, in which order, and what its exit code means.

use super::buildpack::{Available, BadBuildpack, Source};
use super::failure::Fault;

/// Which buildpacks a build uses.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Plan {
    /// Each is asked in turn whether the application is its own; the first that says so builds it.
    Detect(Vec<Source>),
    /// These build it without being asked: all but the last supply, the last one finishes.
    Given(Vec<Source>),
}

impl Plan {
    /// Decides from what the user named (nothing means: ask all) and what the platform offers.
    ///
    /// # Errors
    ///
    /// Fails when a name is unknown.
    pub fn new(named: &[String], available: &[Available]) -> Result<Self, BadBuildpack> {
        if named.is_empty() {
            return Ok(Self::Detect(available.iter().map(Source::of).collect()));
        }
        let sources: Result<_, _> = named
            .iter()
            .map(|word| Source::named(word, available))
            .collect();
        Ok(Self::Given(sources?))
    }

    /// The buildpacks in their order.
    pub fn sources(&self) -> &[Source] {
        match self {
            Self::Detect(sources) | Self::Given(sources) => sources,
        }
    }

    /// The names of the buildpacks, comma-joined.
    pub fn labels(&self) -> String {
        let labels: Vec<String> = self.sources().iter().map(Source::label).collect();
        labels.join(", ")
    }
}

/// An index with as many digits as the last one of `count` needs, as `deps/` directories are named.
pub fn padded(index: usize, count: usize) -> String {
    let width = count.saturating_sub(1).to_string().len();
    format!("{index:0width$}")
}

/// How the builder ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BuilderExit {
    /// A buildpack's compile failed.
    Compile,
    /// All went well.
    Done,
    /// A buildpack's finalize failed.
    Finalize,
    /// A hook failed.
    Hook,
    /// No buildpack wanted the application.
    NoneDetected,
    /// Something else ended it.
    Other(i32),
    /// A buildpack's release failed.
    Release,
    /// A buildpack's supply failed.
    Supply,
}

impl BuilderExit {
    /// Reads an exit status; the numbers are those of Cloud Foundry's builder, and one of ours.
    pub fn of(status: i32) -> Self {
        match status {
            0 => Self::Done,
            221 => Self::Hook,
            222 => Self::NoneDetected,
            223 => Self::Compile,
            224 => Self::Release,
            225 => Self::Supply,
            226 => Self::Finalize,
            other => Self::Other(other),
        }
    }

    /// Whose fault it is; `None` when there is none.
    pub fn fault(self) -> Option<Fault> {
        match self {
            Self::Compile | Self::Finalize | Self::Supply => Some(Fault::BuildpackCompileFailed),
            Self::Done => None,
            Self::Hook | Self::Other(_) => Some(Fault::StagingError),
            Self::NoneDetected => Some(Fault::NoAppDetectedError),
            Self::Release => Some(Fault::BuildpackReleaseFailed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offers() -> Vec<Available> {
        ["static", "node"]
            .map(|key| Available {
                key: key.to_owned(),
                url: String::new(),
            })
            .to_vec()
    }

    #[test]
    fn without_a_name_all_are_asked_in_the_operators_order() {
        let plan = Plan::new(&[], &offers()).unwrap();
        assert!(matches!(plan, Plan::Detect(_)));
        assert_eq!(plan.labels(), "static, node");
    }

    #[test]
    fn names_are_used_in_the_users_order() {
        let named = ["node".to_owned(), "static".to_owned()];
        let plan = Plan::new(&named, &offers()).unwrap();
        assert!(matches!(plan, Plan::Given(_)));
        assert_eq!(plan.labels(), "node, static");
    }

    #[test]
    fn an_unknown_name_stops_the_build() {
        assert!(Plan::new(&["cobol".to_owned()], &offers()).is_err());
    }

    #[test]
    fn indices_have_the_digits_of_the_last_one() {
        assert_eq!(padded(0, 1), "0");
        assert_eq!(padded(9, 10), "9");
        assert_eq!(padded(9, 11), "09");
        assert_eq!(padded(10, 11), "10");
        assert_eq!(padded(7, 101), "007");
    }

    #[test]
    fn exit_codes_name_their_fault() {
        for (status, fault) in [
            (0, None),
            (1, Some(Fault::StagingError)),
            (137, Some(Fault::StagingError)),
            (221, Some(Fault::StagingError)),
            (222, Some(Fault::NoAppDetectedError)),
            (223, Some(Fault::BuildpackCompileFailed)),
            (224, Some(Fault::BuildpackReleaseFailed)),
            (225, Some(Fault::BuildpackCompileFailed)),
            (226, Some(Fault::BuildpackCompileFailed)),
        ] {
            assert_eq!(BuilderExit::of(status).fault(), fault, "{status}");
        }
    }
}
