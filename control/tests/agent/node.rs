//! An agent as a process of its own, which tests may kill.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// An agent and the containers of its directory; dropping it ends both.
pub(crate) struct Agent {
    child: Child,
    dir: std::path::PathBuf,
}

impl Agent {
    pub(crate) fn start(dir: &Path, nats: &str, more: &[&str]) -> Self {
        let runtime: &[&str] = match more.contains(&"--runtime") {
            true => &[],
            false => &["--runtime", "process"],
        };
        let child = Command::new(env!("CARGO_BIN_EXE_switchyard"))
            .args(["agent", "--nats", nats, "--dir"])
            .arg(dir)
            .args(runtime)
            .args(more)
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        Self {
            child,
            dir: dir.to_path_buf(),
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Ends the agent at once, and nothing else.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        // The containers are somebody else's now.
        self.dir = std::path::PathBuf::new();
    }

    /// Waits for its end; says whether that was a success.
    pub(crate) async fn ended(&mut self) -> bool {
        // Not in one wait: the bus of the test runs on this thread too.
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.success();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        for keeper in keepers(&self.dir) {
            let _ = kill_process(keeper, Signal::USR1);
        }
    }
}

/// The keepers that still run below an agent's directory.
fn keepers(dir: &Path) -> Vec<Pid> {
    let Ok(entries) = std::fs::read_dir(dir.join("containers")) else {
        return Vec::new();
    };
    let keeper = |entry: std::fs::DirEntry| {
        if entry.path().join("exit.json").exists() {
            return None;
        }
        let life = std::fs::read(entry.path().join("life.json")).ok()?;
        let life: Value = serde_json::from_slice(&life).ok()?;
        Pid::from_raw(i32::try_from(life["keeper"]["pid"].as_i64()?).ok()?)
    };
    entries.flatten().filter_map(keeper).collect()
}
