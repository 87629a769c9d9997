//! The words of `kato`'s command line.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::plan::{Plan, ROUTE_KEYS, Strategy};

/// What `kato` is asked to do, and as whom.
#[derive(Clone, Debug, Args)]
pub struct KatoOptions {
    #[command(flatten)]
    pub(super) account: AccountOptions,
    #[command(subcommand)]
    pub(super) command: KatoCommand,
}

/// Where the API is and who asks.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Where, and as whom")]
pub(super) struct AccountOptions {
    /// The API [default: that of the last login]
    #[arg(long, global = true, env = "KATO_API", value_name = "URL")]
    pub(super) api: Option<String>,

    /// Authorities (PEM) to trust beside the machine's, where the API is https://
    #[arg(long, global = true, env = "KATO_CA_FILE", value_name = "FILE")]
    pub(super) ca_file: Option<PathBuf>,

    /// An access token, in place of a login
    #[arg(long, global = true, env = "KATO_TOKEN", hide_env_values = true)]
    pub(super) token: Option<String>,

    /// Who asks, for this command alone or for a login
    #[arg(long, global = true, value_name = "NAME")]
    pub(super) user: Option<String>,

    /// A file with the password; - is standard input
    #[arg(long, global = true, value_name = "FILE", requires = "user")]
    pub(super) password_file: Option<PathBuf>,

    /// The organization
    #[arg(short, long, global = true)]
    pub(super) org: Option<String>,

    /// The space in it
    #[arg(long, global = true)]
    pub(super) space: Option<String>,
}

/// The commands of `kato`.
#[derive(Clone, Debug, Subcommand)]
pub enum KatoCommand {
    /// Log in, and remember where and as whom
    Login,
    /// Choose the organization and the space that commands work in
    Target(TargetOptions),
    /// Carry an application from its files to running instances
    Push(PushOptions),
    /// List the applications of the space
    Apps,
    /// Commands about one application that is there already.
    #[command(flatten)]
    One(AppCommand),
}

/// The commands about one application.
#[derive(Clone, Debug, Subcommand)]
pub enum AppCommand {
    /// Show one application
    App(NameOptions),
    /// Show what an application says
    Logs(LogsOptions),
    /// Change the number or the size of an application's instances
    Scale(ScaleOptions),
    /// Start an application
    Start(NameOptions),
    /// Stop an application
    Stop(NameOptions),
    /// Stop an application and start it again
    Restart(RestartOptions),
    /// Delete an application
    Delete(DeleteOptions),
}

impl AppCommand {
    /// The application that is meant.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::App(options) | Self::Start(options) | Self::Stop(options) => &options.name,
            Self::Delete(options) => &options.name,
            Self::Logs(options) => &options.name,
            Self::Restart(options) => &options.name,
            Self::Scale(options) => &options.name,
        }
    }
}

/// An application.
#[derive(Clone, Debug, Args)]
pub struct NameOptions {
    /// The application
    pub(super) name: String,
}

/// What goes away with an application.
#[derive(Clone, Debug, Args)]
pub struct DeleteOptions {
    /// The application
    pub(super) name: String,

    /// Delete its routes as well
    #[arg(short, long)]
    pub(super) routes: bool,
}

/// Which lines are shown.
#[derive(Clone, Debug, Args)]
pub struct LogsOptions {
    /// The application
    pub(super) name: String,

    /// Show the last lines and end
    #[arg(long)]
    pub(super) recent: bool,
}

/// How an application starts again.
#[derive(Clone, Debug, Args)]
pub struct RestartOptions {
    /// The application
    pub(super) name: String,

    /// Replace one instance after the other
    #[arg(long, value_enum)]
    pub(super) strategy: Option<StrategyName>,
}

/// New numbers and sizes.
#[derive(Clone, Debug, Args)]
pub struct ScaleOptions {
    /// The application
    pub(super) name: String,

    /// How many instances
    #[arg(short, long)]
    pub(super) instances: Option<u32>,

    /// Memory of each, as in 256M or 1G
    #[arg(short, long, value_parser = megabytes)]
    pub(super) memory: Option<u64>,

    /// Disk of each, as in 512M or 1G
    #[arg(short = 'k', long, value_parser = megabytes)]
    pub(super) disk: Option<u64>,
}

/// Which space.
#[derive(Clone, Debug, Args)]
pub struct TargetOptions {
    /// Make what is missing
    #[arg(long, requires = "org", requires = "space")]
    pub(super) create: bool,
}

/// What is pushed, and what differs from its manifest.
#[derive(Clone, Debug, Args)]
pub struct PushOptions {
    /// The application; a manifest may name it too
    pub(super) name: Option<String>,

    /// The manifest [default: manifest.yml of this directory, if there is one]
    #[arg(short = 'f', long, value_name = "FILE")]
    pub(super) manifest: Option<PathBuf>,

    /// The directory or archive to push [default: this directory]
    #[arg(short, long)]
    pub(super) path: Option<PathBuf>,

    /// A buildpack by name or URL; several take part in this order
    #[arg(short, long)]
    pub(super) buildpack: Vec<String>,

    /// Memory of each instance, as in 256M or 1G
    #[arg(short, long)]
    pub(super) memory: Option<String>,

    /// Disk of each instance, as in 512M or 1G
    #[arg(short = 'k', long)]
    pub(super) disk: Option<String>,

    /// How many instances
    #[arg(short, long)]
    pub(super) instances: Option<u32>,

    /// The command that starts it; `default` means the buildpack's own
    #[arg(short, long)]
    pub(super) command: Option<String>,

    /// How to see that an instance is well
    #[arg(short = 'u', long, value_enum)]
    pub(super) health_check: Option<HealthCheck>,

    /// The path that a health check over HTTP asks for
    #[arg(long)]
    pub(super) endpoint: Option<String>,

    /// Seconds until an instance must be well
    #[arg(short, long)]
    pub(super) timeout: Option<u32>,

    /// The stack to run on
    #[arg(short, long)]
    pub(super) stack: Option<String>,

    /// How running instances are replaced
    #[arg(long, value_enum, conflicts_with = "no_start")]
    pub(super) strategy: Option<StrategyName>,

    /// Stage it and leave it alone
    #[arg(long)]
    pub(super) no_start: bool,

    /// Give it no route
    #[arg(long, conflicts_with = "random_route")]
    pub(super) no_route: bool,

    /// Give it a route that nobody else has
    #[arg(long)]
    pub(super) random_route: bool,
}

/// How a health check looks.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(super) enum HealthCheck {
    /// A page answers 200.
    Http,
    /// The port accepts a connection.
    Port,
    /// The process lives.
    Process,
}

/// How instances are replaced, as it is typed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(super) enum StrategyName {
    /// Some first, the others when they are continued.
    Canary,
    /// One after the other.
    Rolling,
}

impl From<StrategyName> for Strategy {
    fn from(name: StrategyName) -> Self {
        match name {
            StrategyName::Canary => Self::Canary,
            StrategyName::Rolling => Self::Rolling,
        }
    }
}

impl PushOptions {
    /// Whether something is said that only fits one application.
    pub(super) fn is_about_one(&self) -> bool {
        self.path.is_some() || self.command.is_some() || !self.changes().is_empty()
    }

    /// Lets the command line win over the manifest.
    pub(super) fn change(&self, plan: &mut Plan) {
        for (key, value) in self.changes() {
            plan.set(key, value);
        }
        if let Some(path) = &self.path {
            plan.path.clone_from(path);
        }
        for (asked, key) in [
            (self.no_route, "no-route"),
            (self.random_route, "random-route"),
        ] {
            if asked {
                ROUTE_KEYS.iter().for_each(|key| plan.forget(key));
                plan.set(key, json!(true));
            }
        }
        plan.strategy = match self.strategy {
            Some(name) => name.into(),
            None if self.no_start => Strategy::NoStart,
            None => Strategy::Restart,
        };
    }

    fn changes(&self) -> Vec<(&'static str, Value)> {
        let text = |value: &Option<String>| value.as_ref().map(|value| json!(value));
        let command = self.command.as_ref().map(|command| match command.as_str() {
            "default" | "null" => Value::Null,
            own => json!(own),
        });
        let check = self.health_check.map(|check| match check {
            HealthCheck::Http => json!("http"),
            HealthCheck::Port => json!("port"),
            HealthCheck::Process => json!("process"),
        });
        let packs = (!self.buildpack.is_empty()).then(|| json!(self.buildpack));
        let all = [
            ("buildpacks", packs),
            ("memory", text(&self.memory)),
            ("disk_quota", text(&self.disk)),
            ("instances", self.instances.map(|count| json!(count))),
            ("command", command),
            ("health-check-type", check),
            ("health-check-http-endpoint", text(&self.endpoint)),
            ("timeout", self.timeout.map(|seconds| json!(seconds))),
            ("stack", text(&self.stack)),
        ];
        let said = all
            .into_iter()
            .filter_map(|(key, value)| Some((key, value?)));
        said.collect()
    }
}

/// `256M` or `1G` in megabytes of 2^20 bytes.
fn megabytes(text: &str) -> Result<u64, String> {
    let upper = text.to_uppercase();
    let number = upper.trim_end_matches('B');
    let (number, factor) = match (number.strip_suffix('M'), number.strip_suffix('G')) {
        (Some(number), _) => (number, 1),
        (None, Some(number)) => (number, 1024),
        (None, None) => return Err("a size needs a unit, as in 256M or 1G".to_owned()),
    };
    let size = number.parse::<u64>().ok();
    let size = size.and_then(|size| size.checked_mul(factor));
    size.filter(|size| *size > 0)
        .ok_or_else(|| "a size is a whole number above zero, as in 256M".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        push: PushOptions,
    }

    fn changed(words: &[&str]) -> Plan {
        let line = ["push"].iter().chain(words);
        let mut plan = Plan::new("a", ".".into()).with("routes", json!([{"route": "x"}]));
        Cli::parse_from(line).push.change(&mut plan);
        plan
    }

    #[test]
    fn the_command_line_wins_over_the_manifest() {
        let plan = changed(&["-m", "64M", "-i", "3", "-u", "http", "--endpoint", "/up"]);
        assert_eq!(plan.application["memory"], "64M");
        assert_eq!(plan.application["instances"], 3);
        assert_eq!(plan.application["health-check-type"], "http");
        assert_eq!(plan.application["health-check-http-endpoint"], "/up");
        assert_eq!(plan.application["routes"][0]["route"], "x");
    }

    #[test]
    fn no_route_forgets_the_routes_of_the_manifest() {
        let plan = changed(&["--no-route"]);
        assert!(!plan.application.contains_key("routes"));
        assert_eq!(plan.application["no-route"], true);
    }

    #[test]
    fn the_command_default_takes_an_own_command_back() {
        assert_eq!(
            changed(&["-c", "default"]).application["command"],
            Value::Null
        );
        assert_eq!(changed(&["-c", "./run"]).application["command"], "./run");
    }

    #[test]
    fn a_size_needs_its_unit() {
        assert_eq!(megabytes("256M"), Ok(256));
        assert_eq!(megabytes("1gb"), Ok(1024));
        assert!(megabytes("256").is_err());
        assert!(megabytes("0M").is_err());
        assert!(megabytes("18446744073709551615G").is_err());
    }
}
