//! The machine: what it is, and what is changed on it while we measure.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU16, Ordering};

use anyhow::{Context as _, bail};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde::{Deserialize, Serialize};

/// Which CPU does what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cpus {
    /// The proxy, alone.
    pub(crate) proxy: usize,
    /// Generator, origin, bus and this process.
    pub(crate) rest: usize,
}

impl Cpus {
    /// Takes the first two CPUs that we may use, and moves this process to the second.
    pub(crate) fn claim() -> anyhow::Result<Self> {
        let allowed = sched_getaffinity(None)?;
        let mut cpus = (0..CpuSet::MAX_CPU).filter(|cpu| allowed.is_set(*cpu));
        let (Some(proxy), Some(rest)) = (cpus.next(), cpus.next()) else {
            bail!("compare needs two CPUs: one for the proxy, one for the load");
        };
        let mut ours = CpuSet::new();
        ours.set(rest);
        sched_setaffinity(None, &ours)?;
        Ok(Self { proxy, rest })
    }
}

/// What the numbers were measured on.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct Facts {
    /// `/proc/version`, shortened.
    pub(crate) kernel: String,
    /// Model name and count of the CPUs.
    pub(crate) cpu: String,
    /// Of the kernel, for every socket of the run.
    pub(crate) congestion_control: String,
    /// First lines of what the contestants say about themselves.
    pub(crate) versions: Vec<String>,
    /// Load average before the run: other work on this machine spoils the numbers.
    pub(crate) load_average: String,
}

impl Facts {
    /// Reads them, and asks each program for its version.
    pub(crate) fn read(programs: &[(&Path, &str)]) -> Self {
        let text = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let cpuinfo = text("/proc/cpuinfo");
        let model = cpuinfo
            .lines()
            .find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
        let count = cpuinfo
            .lines()
            .filter(|line| line.starts_with("processor"))
            .count();
        Self {
            kernel: text("/proc/sys/kernel/osrelease").trim().to_owned(),
            cpu: format!("{} × {count}", model.unwrap_or("unknown CPU")),
            congestion_control: text(CONGESTION).trim().to_owned(),
            versions: programs
                .iter()
                .map(|(program, flag)| version(program, flag))
                .collect(),
            load_average: text("/proc/loadavg")
                .split(' ')
                .take(3)
                .collect::<Vec<_>>()
                .join(" "),
        }
    }
}

fn version(program: &Path, flag: &str) -> String {
    let Ok(output) = Command::new(program).arg(flag).output() else {
        return format!("{}: not there", program.display());
    };
    let said = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&said)
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned()
}

/// Cubic for every socket while this lives; what was there before comes back with its drop.
#[derive(Debug)]
pub(crate) struct Congestion {
    before: Option<String>,
}

impl Congestion {
    /// Switches, if we may; says so on stderr if not.
    pub(crate) fn cubic() -> Self {
        let before = fs::read_to_string(CONGESTION)
            .unwrap_or_default()
            .trim()
            .to_owned();
        if before == "cubic" {
            return Self { before: None };
        }
        match fs::write(CONGESTION, "cubic") {
            Ok(()) => {
                eprintln!("compare: congestion control {before} -> cubic until the end of the run");
                Self {
                    before: Some(before),
                }
            }
            Err(error) => {
                eprintln!("compare: congestion control stays {before}: {error}");
                Self { before: None }
            }
        }
    }
}

impl Drop for Congestion {
    fn drop(&mut self) {
        if let Some(before) = &self.before
            && let Err(error) = fs::write(CONGESTION, before)
        {
            eprintln!("compare: congestion control could not be set back to {before}: {error}");
        }
    }
}

/// Allows this process and its children as many descriptors as 10 000 connections through a proxy need.
pub(crate) fn raise_descriptor_limit() -> anyhow::Result<()> {
    let now = getrlimit(Resource::Nofile);
    let wanted = Rlimit {
        current: Some(DESCRIPTORS),
        maximum: Some(DESCRIPTORS),
    };
    if setrlimit(Resource::Nofile, wanted).is_err() {
        setrlimit(
            Resource::Nofile,
            Rlimit {
                current: now.maximum,
                ..now
            },
        )
        .context("cannot raise the limit of open descriptors")?;
    }
    Ok(())
}

/// A port that was free a moment ago and that no outgoing connection will take: from below the
/// kernel's usual ephemeral range, each one once.
pub(crate) fn free_port() -> anyhow::Result<u16> {
    loop {
        let port = NEXT_PORT.fetch_add(1, Ordering::Relaxed);
        anyhow::ensure!(port < LAST_PORT, "no free port below {LAST_PORT}");
        if TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok() {
            return Ok(port);
        }
    }
}

static NEXT_PORT: AtomicU16 = AtomicU16::new(20_000);
const LAST_PORT: u16 = 32_000;

const CONGESTION: &str = "/proc/sys/net/ipv4/tcp_congestion_control";
const DESCRIPTORS: u64 = 65_536;
