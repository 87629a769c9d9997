//! A child: started, watched, started again when it dies, and ended with us.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{self, Command};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::backoff::{Backoff, Next};
use super::tail::Tail;

/// How a child is started.
#[derive(Clone, Debug)]
pub(super) struct Spec {
    /// What we call it.
    pub(super) name: &'static str,
    /// Our own program, which ties the child to our life and then becomes it.
    pub(super) shim: PathBuf,
    /// The child's program.
    pub(super) program: PathBuf,
    /// Its arguments.
    pub(super) arguments: Vec<OsString>,
}

/// A death that a person should hear of.
#[derive(Clone, Debug)]
pub(super) struct Death {
    pub(super) name: &'static str,
    pub(super) status: String,
    pub(super) lines: Vec<String>,
    pub(super) next: Next,
}

/// A child in its present life. Dropping it kills the child.
#[derive(Debug)]
pub(super) struct Child {
    tail: Tail,
    pid: watch::Receiver<Option<u32>>,
    stop: oneshot::Sender<Duration>,
    keeper: JoinSet<()>,
}

impl Child {
    /// Starts the child and a task that keeps it alive.
    pub(super) fn start(spec: Spec, tail: Tail, deaths: mpsc::Sender<Death>) -> Self {
        let (pid_seen, pid) = watch::channel(None);
        let (stop, stopped) = oneshot::channel();
        let keeper = Keeper {
            spec,
            tail: tail.clone(),
            pid: pid_seen,
            deaths,
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(keeper.keep(stopped));
        Self {
            tail,
            pid,
            stop,
            keeper: tasks,
        }
    }

    /// Its process id, while it lives.
    pub(super) fn pid(&self) -> Option<u32> {
        *self.pid.borrow()
    }

    /// What it said last.
    pub(super) fn tail(&self) -> &Tail {
        &self.tail
    }

    /// Asks it to end, and kills it when it has not within `limit`.
    pub(super) async fn stop(mut self, limit: Duration) {
        // The keeper may have given up already; then there is nothing to stop.
        let _ = self.stop.send(limit);
        self.keeper.join_next().await;
    }
}

struct Keeper {
    spec: Spec,
    tail: Tail,
    pid: watch::Sender<Option<u32>>,
    deaths: mpsc::Sender<Death>,
}

impl Keeper {
    async fn keep(self, mut stop: oneshot::Receiver<Duration>) {
        let mut backoff = Backoff::default();
        loop {
            let began = Instant::now();
            let status = match self.spawn() {
                Ok(mut life) => tokio::select! {
                    status = life.ended() => describe(status),
                    limit = &mut stop => return life.end(limit.unwrap_or_default()).await,
                },
                Err(error) => format!("a start that failed ({error})"),
            };
            self.pid.send_replace(None);
            let next = backoff.after(began.elapsed());
            let death = Death {
                name: self.spec.name,
                status,
                lines: self.tail.lines(),
                next,
            };
            // Nobody listens any more when we are being stopped.
            let _ = self.deaths.send(death).await;
            let Next::Again(pause) = next else { return };
            tokio::select! {
                () = sleep(pause) => {}
                _ = &mut stop => return,
            }
        }
    }

    fn spawn(&self) -> io::Result<Life> {
        let mut child = self.command().spawn()?;
        let mut pipes = JoinSet::new();
        if let Some(stdout) = child.stdout.take() {
            pipes.spawn(self.tail.clone().follow(stdout));
        }
        if let Some(stderr) = child.stderr.take() {
            pipes.spawn(self.tail.clone().follow(stderr));
        }
        self.pid.send_replace(child.id());
        Ok(Life { child, pipes })
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.spec.shim);
        command
            .args(["exec", "--parent"])
            .arg(std::process::id().to_string())
            .arg("--")
            .arg(OsStr::new(&self.spec.program))
            .args(&self.spec.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C reaches the whole group of the terminal; who stops when is ours to say.
            .process_group(0)
            .kill_on_drop(true);
        command
    }
}

/// One life of a child.
struct Life {
    child: process::Child,
    pipes: JoinSet<()>,
}

impl Life {
    /// Waits for the end, and for its last words as long as these may take.
    async fn ended(&mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait().await;
        let _ = timeout(LAST_WORDS, async {
            while self.pipes.join_next().await.is_some() {}
        })
        .await;
        status
    }

    async fn end(mut self, limit: Duration) {
        // invariant: `id` is `None` once the child has been waited for, so no stranger is signalled.
        let pid = self
            .child
            .id()
            .and_then(|pid| Pid::from_raw(pid.try_into().ok()?));
        if let Some(pid) = pid {
            // A failure means that it has just ended, which is what we want.
            let _ = kill_process(pid, Signal::TERM);
        }
        if timeout(limit, self.ended()).await.is_err() {
            let _ = self.child.kill().await;
        }
    }
}

fn describe(status: io::Result<ExitStatus>) -> String {
    match status {
        Ok(status) => status.to_string(),
        Err(error) => format!("an unknown status ({error})"),
    }
}

const LAST_WORDS: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;

    /// A keeper over a shell command; its shim is a shell too, which drops the shim's own words.
    fn shell(script: &str) -> (Child, mpsc::Receiver<Death>, tempfile::TempDir) {
        let dir = tempfile::tempdir().unwrap();
        let shim = dir.path().join("shim");
        std::fs::write(&shim, "#!/bin/sh\nshift 4\nexec \"$@\"\n").unwrap();
        let mut mode = std::fs::metadata(&shim).unwrap().permissions();
        std::os::unix::fs::PermissionsExt::set_mode(&mut mode, 0o700);
        std::fs::set_permissions(&shim, mode).unwrap();
        let (deaths, heard) = mpsc::channel(16);
        let spec = Spec {
            name: "shell",
            shim,
            program: "/bin/sh".into(),
            arguments: vec!["-c".into(), script.into()],
        };
        let tail = Tail::open(&dir.path().join("shell.log")).unwrap();
        (Child::start(spec, tail, deaths), heard, dir)
    }

    #[tokio::test]
    async fn a_child_that_dies_at_once_says_why_and_is_given_up_in_the_end() {
        let (child, mut heard, _dir) = shell("echo no such luck >&2; exit 3");
        let mut deaths = Vec::new();
        while let Some(death) = heard.recv().await {
            deaths.push(death);
        }
        let last = deaths.last().unwrap();
        assert_eq!(last.next, Next::GiveUp(6));
        assert_eq!(last.status, "exit status: 3");
        assert_eq!(last.lines.last().unwrap(), "no such luck");
        assert_eq!(child.pid(), None);
    }

    #[tokio::test]
    async fn a_child_that_was_killed_lives_again() {
        let (child, mut heard, _dir) = shell("echo up; exec sleep 600");
        child.tail().find(|line| (line == "up").then_some(())).await;
        let first = child.pid().unwrap();
        kill_process(Pid::from_raw(first as i32).unwrap(), Signal::KILL).unwrap();
        assert!(matches!(heard.recv().await.unwrap().next, Next::Again(_)));
        let mut pid = child.pid.clone();
        let second = *pid
            .wait_for(|pid| pid.is_some_and(|pid| pid != first))
            .await
            .unwrap();
        assert!(second.is_some());
        child.stop(Duration::from_secs(5)).await;
    }

    #[tokio::test]
    async fn a_child_that_will_not_end_is_killed() {
        let (child, _heard, _dir) = shell("trap '' TERM; echo up; while :; do sleep 0.05; done");
        child.tail().find(|line| (line == "up").then_some(())).await;
        let pid = Pid::from_raw(child.pid().unwrap() as i32).unwrap();
        child.stop(Duration::from_millis(50)).await;
        assert!(rustix::process::test_kill_process(pid).is_err());
    }
}
