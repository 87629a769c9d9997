//! The arguments, as clap reads them. Their docs are the help texts.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// HTTP edge router that takes its routes from NATS announcements.
///
/// Without a command it runs; without -c it runs with the defaults.
#[derive(Debug, Parser)]
#[command(
    name = "switchyard-router",
    version,
    args_conflicts_with_subcommands = false
)]
pub(super) struct Arguments {
    /// Configuration file, as for gorouter.
    #[arg(short, long, global = true, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,

    /// Only check the configuration: the same as `check`.
    #[arg(short, long)]
    pub(super) test: bool,

    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Read a configuration and list what is wrong with it.
    ///
    /// Exits with 0 when the router would start, 1 when --strict is given and there are
    /// warnings, 2 when there are errors.
    Check(Check),
    /// Work with the configuration.
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Ask a running router for its health: exits with 0 when it is healthy, else with 1.
    Healthcheck,
}

#[derive(Debug, Default, Args)]
pub(super) struct Check {
    /// Configuration file, instead of -c.
    pub(super) file: Option<PathBuf>,

    /// Exit with 1 when there are warnings.
    #[arg(long)]
    pub(super) strict: bool,

    /// How the findings are printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub(super) enum Format {
    /// One object on stdout.
    Json,
    /// For people: findings on stderr, a summary on stdout.
    #[default]
    Text,
}

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Print the configuration that is in effect as YAML, with secrets masked.
    Show {
        /// Print the defaults, whatever the file says.
        #[arg(long)]
        defaults: bool,
    },
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::{Arguments, Command, Format};

    #[test]
    fn the_definition_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn gorouters_own_form_runs() {
        for form in [
            &["r", "-c", "a.yml"][..],
            &["r", "-c=a.yml"],
            &["r", "--config", "a.yml"],
        ] {
            let arguments = Arguments::try_parse_from(form).unwrap();
            assert_eq!(arguments.config.unwrap().to_str(), Some("a.yml"));
            assert!(arguments.command.is_none());
        }
    }

    #[test]
    fn check_takes_its_file_either_way() {
        let arguments = Arguments::try_parse_from(["r", "check", "a.yml", "--strict"]).unwrap();
        let Some(Command::Check(check)) = arguments.command else {
            panic!("not check")
        };
        assert!(check.strict && check.format == Format::Text && check.file.is_some());

        let arguments =
            Arguments::try_parse_from(["r", "check", "-c", "a.yml", "--format=json"]).unwrap();
        assert!(arguments.config.is_some());
        let Some(Command::Check(check)) = arguments.command else {
            panic!("not check")
        };
        assert!(check.format == Format::Json && check.file.is_none());
    }

    #[test]
    fn what_is_no_argument_is_refused() {
        for form in [
            &["r", "serve"][..],
            &["r", "--port", "1"],
            &["r", "config"],
            &["r", "-c"],
        ] {
            assert!(Arguments::try_parse_from(form).is_err(), "{form:?}");
        }
    }
}
