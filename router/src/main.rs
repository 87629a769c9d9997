//! The router's binary: arguments to configuration to the running house to an exit code.

use std::process::ExitCode;

use router::app;
use router::cli::{self, Action};

/// Counts allocations in the build that proves how few there are (`make compare`, row
/// `allocations`).
#[cfg(feature = "dhat-heap")]
#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

fn main() -> ExitCode {
    #[cfg(feature = "dhat-heap")]
    let _profile = dhat::Profiler::builder().trim_backtraces(None).build();
    match cli::act(std::env::args_os()) {
        Action::Exit(code) => code,
        Action::Run(config) => app::run(*config),
    }
}
