//! One run of the load generator against one contestant, with the CPU time of the contestant in the same window.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use anyhow::{Context as _, bail};
use benches::load::Report;

use crate::process::{Used, Watch, resident_bytes};

/// The generator's binary and where it runs.
#[derive(Clone, Debug)]
pub(crate) struct Generator {
    pub(crate) program: PathBuf,
    pub(crate) cpu: usize,
}

/// What one run is to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) pace: Pace,
    pub(crate) path: &'a str,
    pub(crate) connections: usize,
    pub(crate) warmup: Duration,
    pub(crate) window: Duration,
}

/// How requests follow each other.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// A request for each answer.
    Closed,
    /// A request for each answer, until so many have come.
    Count(u64),
    /// So many requests for each second, whatever the answers do.
    Rate(f64),
}

/// What one run has found.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    pub(crate) report: Report,
    pub(crate) used: Used,
    /// The most memory that was seen during the window, in bytes.
    pub(crate) peak_bytes: u64,
}

impl Measured {
    /// Requests for each second of the contestant's CPU time.
    pub(crate) fn per_cpu_second(&self) -> f64 {
        self.report.requests as f64 / self.used.cpu_total()
    }
}

impl Generator {
    /// Loads `addr`, and measures the process `pid` and its children meanwhile.
    ///
    /// # Errors
    ///
    /// Fails when an answer was wrong or missing: such a run says nothing.
    pub(crate) fn run(
        &self,
        addr: SocketAddr,
        pid: u32,
        plan: Plan<'_>,
    ) -> anyhow::Result<Measured> {
        let run = Run::start(self, &plan.args(addr))?;
        let mut watch = Watch::new(pid);
        let limit = plan.warmup + plan.window + SLACK;
        run.until("begin", limit, || {})?;
        watch.look();
        let begin = watch.clone();
        let mut peak_bytes = resident_bytes(pid);
        run.until("end", limit, || {
            watch.look();
            peak_bytes = peak_bytes.max(resident_bytes(pid));
        })?;
        watch.look();
        let used = watch.since(&begin);
        let report: Report = serde_json::from_str(&run.line(limit)?)?;
        run.finish()?;
        // An open loop may lose what was due at its end; every other wrong answer spoils the window.
        if report.errors.connection + report.errors.status > 0 || report.requests == 0 {
            bail!(
                "{addr}: {:?} and {} answers: worth nothing",
                report.errors,
                report.requests
            );
        }
        Ok(Measured {
            report,
            used,
            peak_bytes,
        })
    }

    /// Opens connections, lets `look` see them while they are silent, and says how many were still alive after that.
    pub(crate) fn hold<T>(
        &self,
        addr: SocketAddr,
        connections: usize,
        look: impl FnOnce() -> T,
    ) -> anyhow::Result<(T, u64)> {
        let mut args = vec!["idle".to_owned(), format!("--target={addr}")];
        args.push(format!("--connections={connections}"));
        args.extend((1..=4).map(|nth| format!("--source=127.0.0.{nth}")));
        let mut run = Run::start(self, &args)?;
        run.until("begin", HOLD_DEADLINE, || {})?;
        let seen = look();
        drop(run.child.stdin.take());
        let found: serde_json::Value = serde_json::from_str(&run.line(SLACK)?)?;
        run.finish()?;
        Ok((
            seen,
            found
                .get("alive")
                .and_then(serde_json::Value::as_u64)
                .unwrap_or(0),
        ))
    }
}

impl Plan<'_> {
    fn args(&self, addr: SocketAddr) -> Vec<String> {
        let mode = if matches!(self.pace, Pace::Rate(_)) {
            "open"
        } else {
            "closed"
        };
        let mut args = vec![mode.to_owned(), "--edges".to_owned()];
        args.push(format!("--target={addr}"));
        args.push(format!("--path={}", self.path));
        args.push(format!("--connections={}", self.connections));
        args.push(format!("--warmup={}", self.warmup.as_secs_f64()));
        args.push(format!("--window={}", self.window.as_secs_f64()));
        match self.pace {
            Pace::Closed => {}
            Pace::Count(requests) => args.push(format!("--requests={requests}")),
            Pace::Rate(rate) => args.push(format!("--rate={rate}")),
        }
        args
    }
}

/// A generator that runs, and the lines that it prints.
struct Run {
    child: Child,
    lines: Receiver<String>,
}

impl Run {
    fn start(generator: &Generator, args: &[String]) -> anyhow::Result<Self> {
        let mut child = Command::new("taskset")
            .arg("-c")
            .arg(generator.cpu.to_string())
            .arg(&generator.program)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the load generator")?;
        let stdout = child.stdout.take().context("stdout is piped")?;
        let (sender, lines) = sync_channel(8);
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Self { child, lines })
    }

    /// Waits for one word; calls `meanwhile` every now and then.
    fn until(
        &self,
        word: &str,
        limit: Duration,
        mut meanwhile: impl FnMut(),
    ) -> anyhow::Result<()> {
        let mut waited = Duration::ZERO;
        loop {
            match self.lines.recv_timeout(LOOK) {
                Ok(line) if line == word => return Ok(()),
                Ok(line) => bail!("the load generator said {line:?} before {word:?}"),
                Err(RecvTimeoutError::Disconnected) => bail!("the load generator failed"),
                Err(RecvTimeoutError::Timeout) => {
                    waited += LOOK;
                    crate::interrupt::check()?;
                    if waited > limit {
                        bail!("the load generator did not reach {word:?} in time");
                    }
                    meanwhile();
                }
            }
        }
    }

    fn line(&self, limit: Duration) -> anyhow::Result<String> {
        self.lines
            .recv_timeout(limit)
            .context("the load generator did not report")
    }

    fn finish(mut self) -> anyhow::Result<()> {
        let status = self.child.wait()?;
        if !status.success() {
            bail!("the load generator failed: {status}");
        }
        Ok(())
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // Already ended in a good run.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

const LOOK: Duration = Duration::from_millis(200);
const SLACK: Duration = Duration::from_secs(30);
const HOLD_DEADLINE: Duration = Duration::from_secs(60);
