//! What is left when the agent has ended: nothing, or instances whose agent was killed.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

/// Ends instances that have no agent any more.
#[derive(Clone, Debug)]
pub(super) struct Sweeper {
    program: PathBuf,
    /// The agent's command line.
    agent: Vec<OsString>,
}

impl Sweeper {
    pub(super) fn new(program: PathBuf, agent: Vec<OsString>) -> Self {
        Self { program, agent }
    }

    /// Ends what there is, giving it `grace`, in whole seconds.
    pub(super) async fn sweep(&self, grace: Duration) {
        let sweeping = Command::new(&self.program)
            .args(&self.agent)
            .arg("--clear")
            .arg(grace.as_secs().to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C reaches the whole group of the terminal; a second one must not leave a rest.
            .process_group(0)
            .kill_on_drop(true)
            .status();
        // A sweep that fails leaves its rest to the agent of the next cloud here.
        let _ = timeout(grace + SWEEP, sweeping).await;
    }
}

/// For the agent that was killed a moment ago to be gone, and for the kills.
const SWEEP: Duration = Duration::from_secs(20);
