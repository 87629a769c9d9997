//! One word of the command line to what it does.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use crate::config::Config;

use super::args::{self, Arguments, Command, ConfigCommand};
use super::{check, healthcheck, start};

/// What is left for `main` to do.
#[derive(Debug)]
pub enum Action {
    /// Nothing but to leave, with this code.
    Exit(ExitCode),
    /// To run the router.
    Run(Box<Config>),
}

/// Does what the arguments say. Bad arguments end the process with code 2, as gorouter does.
pub fn act(arguments: impl IntoIterator<Item = OsString>) -> Action {
    let arguments = Arguments::parse_from(arguments);
    let file = arguments.config.as_deref();
    match &arguments.command {
        None if arguments.test => Action::Exit(check::run(file, &args::Check::default())),
        None => start::load(file),
        Some(Command::Check(check)) => {
            Action::Exit(check::run(check.file.as_deref().or(file), check))
        }
        Some(Command::Config {
            command: ConfigCommand::Show { defaults },
        }) => Action::Exit(start::show(file.filter(|_| !defaults))),
        Some(Command::Healthcheck) => Action::Exit(healthcheck::run(file)),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::ExitCode;

    use super::{Action, Config, act};

    fn acted(text: &str, before: &[&str], after: &[&str]) -> Action {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let path = file.path().to_str().unwrap();
        let words = ["r"].iter().chain(before).chain([&path]).chain(after);
        act(words.map(|word| word.into()))
    }

    fn exits(action: &Action, code: u8) -> bool {
        format!("{action:?}") == format!("{:?}", Action::Exit(ExitCode::from(code)))
    }

    #[test]
    fn a_good_file_is_run_and_a_bad_one_is_not() {
        let Action::Run(config) = acted("port: 7\nprot: 8", &["-c"], &[]) else {
            panic!("exit")
        };
        assert_eq!(config.listen.port, Some(7));
        assert!(exits(&acted("port: x", &["-c"], &[]), 1));
        let Action::Run(config) = act(["r".into()]) else {
            panic!("exit")
        };
        assert_eq!(*config, Config::default());
    }

    #[test]
    fn check_has_the_code_of_the_worst_finding() {
        for form in [
            &["check"][..],
            &["check", "-c"],
            &["-t", "-c"],
            &["check", "--format=json"],
        ] {
            assert!(exits(&acted("prot: 7", form, &[]), 0), "{form:?}");
            assert!(exits(&acted("port: x", form, &[]), 2), "{form:?}");
        }
        assert!(exits(&acted("prot: 7", &["check"], &["--strict"]), 1));
        assert!(exits(&acted("port: 7", &["check"], &["--strict"]), 0));
        assert!(exits(&act(["r".into(), "check".into()]), 2));
    }

    #[test]
    fn show_fails_where_a_run_would() {
        assert!(exits(&acted("port: 7", &["config", "show", "-c"], &[]), 0));
        assert!(exits(&acted("port: x", &["config", "show", "-c"], &[]), 1));
        assert!(exits(
            &acted("port: x", &["config", "show", "-c"], &["--defaults"]),
            0
        ));
    }
}
