//! Hooks of an application: commands that its `stackato.yml` wants run around the build.

use serde::Deserialize;

use super::yaml::from_yaml;

/// The hooks of a build.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Hooks {
    /// Run before the buildpacks.
    pub before: Vec<Hook>,
    /// Run after them.
    pub after: Vec<Hook>,
}

/// One command.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Hook {
    /// The command, for a shell.
    pub command: String,
    /// Whether its failure ends the build; a leading `-` says that it does not.
    pub must_succeed: bool,
}

impl Hooks {
    /// Reads `stackato.yml`.
    ///
    /// # Errors
    ///
    /// Fails with the parser's words when it is malformed.
    pub fn read(text: &str) -> Result<Self, String> {
        let file: Option<File> = from_yaml(text)?;
        let hooks = file.and_then(|file| file.hooks).unwrap_or_default();
        Ok(Self {
            before: hooks.before.into_hooks(),
            after: hooks.after.into_hooks(),
        })
    }
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    hooks: Option<HookLists>,
}

#[derive(Default, Deserialize)]
struct HookLists {
    #[serde(default, rename = "pre-staging")]
    before: Commands,
    #[serde(default, rename = "post-staging")]
    after: Commands,
}

#[derive(Default, Deserialize)]
#[serde(untagged)]
enum Commands {
    Many(Vec<String>),
    One(String),
    #[default]
    None,
}

impl Commands {
    fn into_hooks(self) -> Vec<Hook> {
        let commands = match self {
            Self::Many(commands) => commands,
            Self::None => Vec::new(),
            Self::One(command) => vec![command],
        };
        commands.iter().map(|command| Hook::new(command)).collect()
    }
}

impl Hook {
    fn new(text: &str) -> Self {
        let text = text.trim();
        let (command, must_succeed) = match text.strip_prefix('-') {
            Some(rest) => (rest.trim_start(), false),
            None => (text, true),
        };
        Self {
            command: command.to_owned(),
            must_succeed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dash_lets_a_hook_fail() {
        let text =
            "name: x\nhooks:\n  pre-staging: make\n  post-staging:\n  - -rm -rf tmp\n  - ls\n";
        let hooks = Hooks::read(text).unwrap();
        assert_eq!(hooks.before, [Hook::new("make")]);
        assert_eq!(hooks.after[0].command, "rm -rf tmp");
        assert!(!hooks.after[0].must_succeed);
        assert!(hooks.after[1].must_succeed);
    }

    #[test]
    fn a_file_without_hooks_has_none() {
        assert_eq!(Hooks::read("name: x\n").unwrap(), Hooks::default());
        assert_eq!(Hooks::read("").unwrap(), Hooks::default());
        assert!(Hooks::read("hooks: [").is_err());
    }
}
