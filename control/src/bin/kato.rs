//! argv → an order to the platform → exit code.

use std::process::ExitCode;

use clap::Parser;
use control::explain::{Explain, tell};
use control::push::{self, KatoOptions};

/// Kato: applications on a Switchyard cloud, from the command line.
#[derive(Parser)]
#[command(name = "kato", version, propagate_version = true)]
struct Cli {
    #[command(flatten)]
    options: KatoOptions,
}

fn main() -> ExitCode {
    match push::run(&Cli::parse().options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprint!("{}", tell(&error));
            error.exit().into()
        }
    }
}
