//! Processes that are started for a comparison, and end with it.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{self, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process};

/// A child that is told to end when this is dropped, and killed when it does not.
#[derive(Debug)]
pub(crate) struct Child {
    name: String,
    log: PathBuf,
    inner: process::Child,
}

impl Child {
    /// Starts a command on one CPU, with its stderr appended to a log in `dir`.
    pub(crate) fn start(command: &Pinned<'_>, dir: &Path, stdout: Stdio) -> anyhow::Result<Self> {
        let log = dir.join(format!("{}.log", command.name));
        let stderr = std::fs::File::options()
            .create(true)
            .append(true)
            .open(&log)?;
        let inner = Command::new("taskset")
            .arg("-c")
            .arg(command.cpu.to_string())
            .arg(command.program)
            .args(&command.args)
            .current_dir(dir)
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(stderr)
            .spawn()
            .with_context(|| format!("cannot start {}", command.program.display()))?;
        Ok(Self {
            name: command.name.to_owned(),
            log,
            inner,
        })
    }

    /// Starts one of our own servers, and reads the address from the `listening ADDRESS` line.
    pub(crate) fn listening(
        command: &Pinned<'_>,
        dir: &Path,
    ) -> anyhow::Result<(Self, SocketAddr)> {
        let mut child = Self::start(command, dir, Stdio::piped())?;
        let stdout = child.inner.stdout.take().context("stdout is piped")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let Some(addr) = line.trim().strip_prefix("listening ") else {
            bail!(
                "{} did not say where it listens: {}",
                child.name,
                child.last_words()
            );
        };
        Ok((child, addr.parse()?))
    }

    /// The process that was started, parent of all others that belong to it.
    pub(crate) fn pid(&self) -> u32 {
        self.inner.id()
    }

    /// Fails when the process has ended by itself.
    pub(crate) fn check(&mut self) -> anyhow::Result<()> {
        match self.inner.try_wait()? {
            Some(status) => bail!(
                "{} ended by itself, {status}: {}",
                self.name,
                self.last_words()
            ),
            None => Ok(()),
        }
    }

    /// The end of what it wrote to stderr.
    fn last_words(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let mut lines: Vec<&str> = text.lines().rev().take(LAST_WORDS).collect();
        lines.reverse();
        lines.join(" | ")
    }

    /// Ends the process as a terminal would, and waits for it.
    pub(crate) fn interrupt(mut self) -> anyhow::Result<()> {
        self.end(Signal::INT)
    }

    fn end(&mut self, signal: Signal) -> anyhow::Result<()> {
        if self.inner.try_wait()?.is_some() {
            return Ok(());
        }
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw);
        kill_process(pid.context("a child has a pid")?, signal)?;
        let deadline = Instant::now() + END_DEADLINE;
        while self.inner.try_wait()?.is_none() {
            if Instant::now() > deadline {
                self.inner.kill()?;
                self.inner.wait()?;
                bail!("{} had to be killed", self.name);
            }
            std::thread::sleep(POLL);
        }
        Ok(())
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if let Err(error) = self.end(Signal::TERM) {
            eprintln!("compare: {error:#}");
        }
    }
}

/// A command and the CPU that it shall run on.
#[derive(Debug)]
pub(crate) struct Pinned<'a> {
    /// What it is called in messages and log files.
    pub(crate) name: &'a str,
    pub(crate) cpu: usize,
    pub(crate) program: &'a Path,
    pub(crate) args: Vec<String>,
}

/// Arguments from anything that looks like text.
pub(crate) fn args<T: AsRef<OsStr>>(list: impl IntoIterator<Item = T>) -> Vec<String> {
    list.into_iter()
        .map(|arg| arg.as_ref().to_string_lossy().into_owned())
        .collect()
}

const END_DEADLINE: Duration = Duration::from_secs(20);
const LAST_WORDS: usize = 3;
const POLL: Duration = Duration::from_millis(10);
