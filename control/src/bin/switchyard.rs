//! argv → command → exit code.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use control::agent::runtime::{KeepOptions, keep};
use control::agent::{self, AgentOptions};
use control::command::{self, ControllerOptions};
use control::exec::{self, ExecOptions};
use control::explain::{Explain, tell};
use control::micro::{self, MicroOptions};
use control::sample::{self, SampleOptions};
use control::site::{self, SiteOptions};

/// Switchyard: an HTTP edge router fed by NATS, and the platform around it.
#[derive(Parser)]
#[command(name = "switchyard", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run instances on this machine
    Agent(AgentOptions),
    /// Run the API and the controller
    Controller(ControllerOptions),
    /// Become a program that ends when its parent does
    #[command(hide = true)]
    Exec(ExecOptions),
    /// Keep the program of one container
    #[command(hide = true)]
    Keep(KeepOptions),
    /// Run a whole platform on this machine: bus, router, API, agent and a sample application
    Micro(MicroOptions),
    /// Run a small application that announces itself over NATS
    Sample(SampleOptions),
    /// Serve the files of a directory over HTTP
    Static(SiteOptions),
}

fn main() -> ExitCode {
    let outcome: Result<(), Box<dyn Explain>> = match Cli::parse().command {
        Command::Agent(options) => agent::run(&options).map_err(boxed),
        Command::Controller(options) => command::run(&options).map_err(boxed),
        Command::Exec(options) => Err(boxed(exec::run(&options))),
        Command::Keep(options) => keep(&options).map_err(boxed),
        Command::Micro(options) => micro::run(&options).map_err(boxed),
        Command::Sample(options) => sample::run(&options).map_err(boxed),
        Command::Static(options) => site::run(&options).map_err(boxed),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprint!("{}", tell(&*error));
            error.exit().into()
        }
    }
}

fn boxed(error: impl Explain + 'static) -> Box<dyn Explain> {
    Box::new(error)
}
