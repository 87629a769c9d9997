//! A micro cloud under test: started in a fresh directory, read line by line, gone when dropped.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// How long anything may take before a test gives up on it.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);
const MACHINE_PAUSE: Duration = Duration::from_secs(8);

/// The command line of `switchyard micro`, in a directory and on ports that nobody else uses.
pub(crate) fn micro(dir: &Path, router: &Path) -> Command {
    micro_on(0, dir, router)
}

/// The same on a router's port of the test's choice, and the usual ports otherwise.
pub(crate) fn micro_on(port: u16, dir: &Path, router: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_switchyard"));
    command
        .args(["micro", "--json", "--workers", "1", "--port"])
        .arg(port.to_string())
        .arg("--dir")
        .arg(dir)
        .arg("--router-bin")
        .arg(router)
        .stdin(Stdio::null());
    command
}

/// A stand-in for the router: a shell script, for what happens around it.
pub(crate) fn script(dir: &Path, lines: &str) -> PathBuf {
    let path = dir.join("router.sh");
    fs::write(&path, format!("#!/bin/sh\n{lines}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    path
}

/// The real router: the one that `SWITCHYARD_ROUTER` names, else the one that
/// `cargo build --workspace` puts beside this program.
pub(crate) fn real_router() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_BIN_EXE_switchyard")).with_file_name("switchyard-router");
    let path = std::env::var_os("SWITCHYARD_ROUTER").map_or(beside, PathBuf::from);
    if path.exists() {
        return Some(path);
    }
    assert!(
        std::env::var_os("CI").is_none(),
        "under CI the router must have been built"
    );
    println!("skipped: no switchyard-router, to run: cargo build -p router");
    None
}

/// A running cloud.
pub(crate) struct Cloud {
    process: Child,
    events: Receiver<Value>,
    pub(crate) dir: TempDir,
}

impl Cloud {
    pub(crate) fn start(dir: TempDir, mut command: Command) -> Self {
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let stdout = process.stdout.take().unwrap();
        let (tell, events) = sync_channel(1024);
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let event = serde_json::from_str(&line).unwrap_or(Value::String(line));
                if tell.send(event).is_err() {
                    return;
                }
            }
        });
        Self {
            process,
            events,
            dir,
        }
    }

    /// The next event of this kind; others before it are passed over.
    pub(crate) fn expect(&self, kind: &str) -> Value {
        let until = Instant::now() + DEADLINE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.events.recv_timeout(left) {
                Ok(event) if event["event"] == kind => return event,
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => panic!("no `{kind}` in {DEADLINE:?}"),
                Err(RecvTimeoutError::Disconnected) => panic!("no `{kind}` before the end"),
            }
        }
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.process)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> (ExitStatus, TempDir) {
        let process = &mut self.process;
        let status = eventually("the end of micro", || process.try_wait().unwrap());
        let empty = tempfile::tempdir().unwrap();
        (status, std::mem::replace(&mut self.dir, empty))
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        // One that is killed loses its directory while its applications still end, and some do not.
        let until = Instant::now() + DEADLINE;
        if matches!(self.process.try_wait(), Ok(None)) {
            let _ = kill_process(self.pid(), Signal::INT);
        }
        while matches!(self.process.try_wait(), Ok(None)) && Instant::now() < until {
            thread::park_timeout(Duration::from_millis(10));
        }
        // Already gone where a test has waited for the end.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Runs a command that ends by itself; its exit code and what it said on standard error.
pub(crate) fn outcome(command: &mut Command) -> (Option<i32>, String) {
    let mut process = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    let mut stderr = process.stderr.take().unwrap();
    stderr.read_to_string(&mut said).unwrap();
    (process.wait().unwrap().code(), said)
}

/// The processes that `parent` has started and that still live.
pub(crate) fn children(parent: Pid) -> Vec<Pid> {
    let path = format!("/proc/{0}/task/{0}/children", parent.as_raw_nonzero());
    let list = fs::read_to_string(path).unwrap_or_default();
    list.split_whitespace()
        .filter_map(|pid| Pid::from_raw(pid.parse().ok()?))
        .collect()
}

pub(crate) fn lives(pid: Pid) -> bool {
    // A zombie that nobody waits for answers signals as well, but runs no more.
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
    test_kill_process(pid).is_ok() && !stat.is_ok_and(|stat| stat.contains(") Z "))
}

/// Asks again and again until there is an answer.
pub(crate) fn eventually<T>(what: &str, ask: impl FnMut() -> Option<T>) -> T {
    until(Instant::now() + DEADLINE, what, ask)
}

/// Waits for an answer that was promised within `limit` of `since`.
///
/// Tests share their machine with each other, so the deadline is twice the promise and some seconds that a
/// pause of the machine may take: still less than anything that is only done from time to time. What it
/// took is printed.
pub(crate) fn within<T>(
    limit: Duration,
    since: Instant,
    what: &str,
    ask: impl FnMut() -> Option<T>,
) -> T {
    let answer = until(since + 2 * limit + MACHINE_PAUSE, what, ask);
    println!(
        "{what} after {:?}, promised within {limit:?}",
        since.elapsed()
    );
    answer
}

fn until<T>(deadline: Instant, what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "no {what} by its deadline");
        thread::park_timeout(Duration::from_millis(10));
    }
}
