//! What comes before a run: the configuration, or why there is none.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;
use serde_json::{Value, json};

use crate::config::{Config, ConfigErrors, Loaded, ObserveConfig, Severity};

use super::Action;

/// The configuration to run with. Where there is none, says so twice: as the event that gorouter
/// prints, and for people.
pub(super) fn load(file: Option<&Path>) -> Action {
    match loaded(file) {
        Ok(loaded) => {
            // Keys without effect are no reason to stop, but silence about them would be a trap.
            if let (Some(file), Some(line)) = (file, summary(&loaded)) {
                let _ = writeln!(io::stderr(), "{}: {line}", file.display());
            }
            Action::Run(Box::new(loaded.config))
        }
        Err(errors) => {
            let _ = writeln!(io::stdout(), "{}", event(&errors, SystemTime::now()));
            complain(&errors);
            Action::Exit(ExitCode::FAILURE)
        }
    }
}

/// Prints the configuration in effect.
pub(super) fn show(file: Option<&Path>) -> ExitCode {
    match loaded(file) {
        Ok(loaded) => {
            let _ = write!(io::stdout(), "{}", loaded.config.to_yaml());
            ExitCode::SUCCESS
        }
        Err(errors) => {
            complain(&errors);
            ExitCode::FAILURE
        }
    }
}

/// The file, or gorouter's defaults where none is named.
pub(super) fn loaded(file: Option<&Path>) -> Result<Loaded, ConfigErrors> {
    match file {
        Some(file) => Config::load(file),
        None => Ok(Loaded {
            config: Config::default(),
            findings: Vec::new(),
        }),
    }
}

/// Prints every error on stderr, for people.
pub(super) fn complain(errors: &ConfigErrors) {
    let mut err = io::stderr().lock();
    for error in errors.errors() {
        let _ = writeln!(err, "{}", error.display(&errors.name));
    }
}

fn summary(loaded: &Loaded) -> Option<String> {
    let warnings = loaded
        .findings
        .iter()
        .filter(|finding| finding.severity == Severity::Warning);
    match warnings.count() {
        0 => None,
        1 => Some("1 warning; `switchyard-router check` names it".into()),
        many => Some(format!(
            "{many} warnings; `switchyard-router check` names them"
        )),
    }
}

/// An event as gorouter prints it, in its order of fields.
#[derive(Serialize)]
struct FatalEvent {
    log_level: u8,
    timestamp: f64,
    message: String,
    source: String,
    data: Value,
}

/// The JSON line that ends a start, in gorouter's form (gorouter 9.3, 11.1).
fn event(errors: &ConfigErrors, now: SystemTime) -> String {
    let messages: Vec<_> = errors
        .errors()
        .map(|error| match error.place {
            Some(place) => format!("{}:{place}: {}", errors.name, error.message),
            None => format!("{}: {}", errors.name, error.message),
        })
        .collect();
    let event = FatalEvent {
        log_level: 3,
        timestamp: now
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs_f64(),
        message: format!("Error loading config: {errors}"),
        // What the file says about logs cannot be trusted now.
        source: ObserveConfig::default().source,
        data: json!({ "error": messages.join("; ") }),
    };
    // Numbers and texts always have a JSON form.
    serde_json::to_string(&event).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::{Config, Value, event, loaded, summary};

    #[test]
    fn no_file_means_the_defaults() {
        assert_eq!(loaded(None).unwrap().config, Config::default());
    }

    #[test]
    fn a_failed_start_is_gorouters_event() {
        let errors = Config::parse("port: x\nindex: y\n", "g.yml").unwrap_err();
        let line = event(&errors, UNIX_EPOCH + Duration::from_millis(1500));
        assert!(
            line.starts_with(r#"{"log_level":3,"timestamp":1.5,"message":"#),
            "{line}"
        );
        let event: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(event["source"], "gorouter.stdout");
        let message = event["message"].as_str().unwrap();
        assert!(
            message.starts_with("Error loading config: g.yml:1:7: `port`"),
            "{message}"
        );
        assert!(message.ends_with("(and 1 more)"), "{message}");
        let data = event["data"]["error"].as_str().unwrap();
        assert!(data.contains("; g.yml:2:8: `index`"), "{data}");
    }

    #[test]
    fn a_start_mentions_warnings_once() {
        let said = |text| summary(&Config::parse(text, "g.yml").unwrap());
        assert_eq!(said("port: 80\npid_file: x\n"), None);
        assert!(said("prot: 80\n").unwrap().starts_with("1 warning;"));
        assert!(
            said("prot: 80\nindx: 1\n")
                .unwrap()
                .starts_with("2 warnings;")
        );
    }
}
