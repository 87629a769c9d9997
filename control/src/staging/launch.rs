//! What starts each process of an application, from its Procfile and its buildpack.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::failure::{Failure, Fault};
use super::task::Phase;
use super::yaml::from_yaml;

/// The texts that say how to start an application. What was not there is `None`.
#[derive(Clone, Copy, Debug, Default)]
pub struct LaunchFiles<'a> {
    /// The application's `Procfile`.
    pub procfile: Option<&'a str>,
    /// What the buildpack's `release` printed.
    pub release: Option<&'a str>,
    /// The `launch.yml` that the last buildpack left, which may stand in for `release`.
    pub launch: Option<&'a str>,
}

/// What starts each process, by its type.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Launch {
    /// Every process type with its command.
    pub process_types: BTreeMap<String, String>,
    /// What the Procfile alone says; `None` when there is none.
    pub procfile: Option<BTreeMap<String, String>>,
}

/// A text that does not say what it should.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BadLaunch {
    /// `launch.yml` is not what it should be.
    #[error("invalid YAML in launch.yml: {0}")]
    LaunchFile(String),
    /// The Procfile is not what it should be.
    #[error("invalid YAML in Procfile: {0}")]
    Procfile(String),
    /// The output of `release` is not what it should be.
    #[error("invalid YAML in the output of release: {0}")]
    Release(String),
}

impl Launch {
    /// Reads the texts. A type that several of them name is started as the Procfile says, then as
    /// `launch.yml`, then as `release`.
    ///
    /// # Errors
    ///
    /// Fails when one of them is malformed.
    pub fn read(files: LaunchFiles<'_>) -> Result<Self, BadLaunch> {
        let mut process_types = files
            .release
            .map_or_else(|| Ok(Processes::new()), release)?;
        if let Some(text) = files.launch {
            process_types.extend(launch_file(text)?);
        }
        let procfile = files.procfile.map(procfile).transpose()?;
        if let Some(types) = &procfile {
            process_types.extend(types.clone());
        }
        Ok(Self {
            process_types,
            procfile,
        })
    }

    /// The command of `web`: the user's own, or what was found.
    pub fn start_command(&self, users: Option<&str>) -> Option<String> {
        let users = users.filter(|command| !command.trim().is_empty());
        users.map(str::to_owned).or_else(|| self.web())
    }

    fn web(&self) -> Option<String> {
        self.process_types.get("web").cloned()
    }
}

impl From<BadLaunch> for Failure {
    fn from(bad: BadLaunch) -> Self {
        let fault = match bad {
            BadLaunch::LaunchFile(_) | BadLaunch::Release(_) => Fault::BuildpackReleaseFailed,
            BadLaunch::Procfile(_) => Fault::StagingError,
        };
        Self {
            fault,
            phase: Phase::Releasing,
            reason: bad.to_string(),
        }
    }
}

type Processes = BTreeMap<String, String>;

#[derive(Deserialize)]
struct ReleaseFile {
    #[serde(default)]
    default_process_types: Option<Processes>,
}

#[derive(Deserialize)]
struct LaunchFile {
    #[serde(default)]
    processes: Vec<LaunchProcess>,
}

#[derive(Deserialize)]
struct LaunchProcess {
    #[serde(rename = "type")]
    kind: String,
    command: String,
    #[serde(default)]
    platforms: Platforms,
}

#[derive(Default, Deserialize)]
struct Platforms {
    #[serde(default)]
    cloudfoundry: Sidecar,
}

#[derive(Default, Deserialize)]
struct Sidecar {
    #[serde(default)]
    sidecar_for: Vec<String>,
}

fn procfile(text: &str) -> Result<Processes, BadLaunch> {
    let types: Option<Processes> = from_yaml(text).map_err(BadLaunch::Procfile)?;
    Ok(kept(types.unwrap_or_default()))
}

fn release(text: &str) -> Result<Processes, BadLaunch> {
    if text.trim().is_empty() {
        return Ok(Processes::new());
    }
    let file: Option<ReleaseFile> = from_yaml(text).map_err(BadLaunch::Release)?;
    let types = file.and_then(|file| file.default_process_types);
    Ok(kept(types.unwrap_or_default()))
}

fn launch_file(text: &str) -> Result<Processes, BadLaunch> {
    let file: Option<LaunchFile> = from_yaml(text).map_err(BadLaunch::LaunchFile)?;
    let processes = file.map_or_else(Vec::new, |file| file.processes);
    // A sidecar runs beside a process and is none itself.
    let own = processes
        .into_iter()
        .filter(|process| process.platforms.cloudfoundry.sidecar_for.is_empty());
    Ok(kept(
        own.map(|process| (process.kind, process.command)).collect(),
    ))
}

/// A type without a command starts nothing.
fn kept(types: Processes) -> Processes {
    types
        .into_iter()
        .map(|(kind, command)| (kind, command.trim().to_owned()))
        .filter(|(_, command)| !command.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RELEASE: &str = "---\ndefault_process_types:\n  web: npm start\n  clock: tick\n";

    fn read(procfile: Option<&str>, release: Option<&str>) -> Result<Launch, BadLaunch> {
        Launch::read(LaunchFiles {
            procfile,
            release,
            launch: None,
        })
    }

    #[test]
    fn the_users_command_wins_over_procfile_over_release() {
        let launch = read(Some("web: python3 app.py\n"), Some(RELEASE)).unwrap();
        assert_eq!(launch.start_command(Some("./run")).unwrap(), "./run");
        assert_eq!(launch.start_command(Some(" ")).unwrap(), "python3 app.py");
        assert_eq!(launch.start_command(None).unwrap(), "python3 app.py");
        assert_eq!(launch.process_types["clock"], "tick");
        let launch = read(None, Some(RELEASE)).unwrap();
        assert_eq!(launch.start_command(None).unwrap(), "npm start");
        assert_eq!(launch.procfile, None);
    }

    #[test]
    fn a_command_keeps_its_colons_quotes_and_variables() {
        let launch = read(Some("web: exec serve --on \"0.0.0.0:$PORT\"\n"), None).unwrap();
        assert_eq!(
            launch.process_types["web"],
            "exec serve --on \"0.0.0.0:$PORT\""
        );
    }

    #[test]
    fn a_malformed_procfile_is_named() {
        for text in [
            "web\n",
            "- web\n",
            "web: [a\n",
            "web: {a: b}\n",
            "web: a\nweb: b\n",
        ] {
            let bad = read(Some(text), None).unwrap_err();
            assert!(
                bad.to_string().starts_with("invalid YAML in Procfile"),
                "{text}"
            );
            assert_eq!(Failure::from(bad).fault, Fault::StagingError);
        }
    }

    #[test]
    fn a_malformed_release_is_the_buildpacks_fault() {
        let bad = read(None, Some("default_process_types: [")).unwrap_err();
        assert_eq!(Failure::from(bad).fault, Fault::BuildpackReleaseFailed);
    }

    #[test]
    fn nothing_said_means_nothing_started() {
        for release in [
            "",
            "---\n",
            "--- {}\n",
            "default_process_types:\n",
            "addons: []\n",
        ] {
            let launch = read(None, Some(release)).unwrap();
            assert_eq!(launch.start_command(None), None, "{release:?}");
        }
    }

    #[test]
    fn a_launch_file_stands_in_for_release_and_its_sidecars_are_no_processes() {
        let text = "processes:\n- type: web\n  command: ./web\n- type: agent\n  command: ./agent\n  \
                    platforms:\n    cloudfoundry:\n      sidecar_for: [web]\n";
        let launch = Launch::read(LaunchFiles {
            launch: Some(text),
            ..LaunchFiles::default()
        })
        .unwrap();
        assert_eq!(launch.process_types.len(), 1);
        assert_eq!(launch.start_command(None).unwrap(), "./web");
    }
}
