//! Who takes part, and how each is started until a request passes.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::{Peer, Settings, haproxy, nginx, ours, switchyard};
use crate::child::Child;
use crate::machine::Cpus;
use crate::probe::Probe;

/// Whether requests are logged.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Logs {
    Off,
    On,
}

/// Who takes part.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Switchyard,
    Nginx,
    Haproxy,
    Null,
    Hyper,
    External(Peer),
}

/// Where the programs are.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    /// Our own router.
    pub(crate) router: PathBuf,
    /// The same, built to count allocations.
    pub(crate) dhat_router: Option<PathBuf>,
    pub(crate) nginx: PathBuf,
    pub(crate) haproxy: PathBuf,
    pub(crate) nats_server: PathBuf,
    /// The folder of `origin`, `load`, `null_forwarder` and `hyper_proxy`.
    pub(crate) ours: PathBuf,
}

/// What every contestant is told.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings {
    pub(crate) programs: Programs,
    pub(crate) cpus: Cpus,
    pub(crate) origin: SocketAddr,
    pub(crate) bus_port: u16,
    /// Configurations, logs and certificates.
    pub(crate) dir: PathBuf,
}

/// A proxy that runs.
#[derive(Debug)]
pub(crate) struct Contestant {
    pub(crate) name: String,
    pub(crate) http: SocketAddr,
    /// HTTP/2 over TLS, where the contestant speaks it.
    pub(crate) https: Option<SocketAddr>,
    pub(crate) child: Child,
}

impl Kind {
    /// The name in tables.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Switchyard => "switchyard",
            Self::Nginx => "nginx",
            Self::Haproxy => "haproxy",
            Self::Null => "null",
            Self::Hyper => "hyper",
            Self::External(peer) => &peer.name,
        }
    }

    /// Whether this is somebody else's proxy: only these are raced for latency, and only they are controls.
    pub(crate) fn is_peer(&self) -> bool {
        match self {
            Self::Nginx | Self::Haproxy | Self::External(_) => true,
            Self::Switchyard | Self::Null | Self::Hyper => false,
        }
    }

    /// Starts it and waits until a request passes.
    pub(crate) fn start(&self, around: &Surroundings, logs: Logs) -> anyhow::Result<Contestant> {
        let dir = around.dir.join(format!("{}-{}", self.name(), logs.name()));
        std::fs::create_dir_all(&dir)?;
        let mut contestant = match self {
            Self::Switchyard => switchyard::start(around, &Settings::usual(logs), &dir),
            Self::Nginx => nginx::start(around, logs, &dir),
            Self::Haproxy => haproxy::start(around, logs, &dir),
            Self::Null => ours::null(around, &dir),
            Self::Hyper => ours::hyper(around, logs, &dir),
            Self::External(peer) => peer.start(around, &dir),
        }?;
        contestant.wait_until_it_answers()?;
        Ok(contestant)
    }
}

impl Logs {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Off => "logs-off",
            Self::On => "logs-on",
        }
    }
}

impl Contestant {
    /// Starts the router with settings of its own, and waits until a request passes.
    pub(crate) fn router(around: &Surroundings, settings: &Settings) -> anyhow::Result<Self> {
        let dir = around.dir.join(format!("switchyard-{}", settings.label));
        std::fs::create_dir_all(&dir)?;
        let mut contestant = switchyard::start(around, settings, &dir)?;
        contestant.wait_until_it_answers()?;
        Ok(contestant)
    }

    fn wait_until_it_answers(&mut self) -> anyhow::Result<()> {
        let begin = Instant::now();
        loop {
            self.child.check()?;
            let answer = Probe::once(self.http, HOST, "/");
            if matches!(answer, Ok(200)) {
                return Ok(());
            }
            if begin.elapsed() > ANSWER_DEADLINE {
                let name = &self.name;
                answer.with_context(|| format!("{name} does not answer"))?;
                anyhow::bail!("{name} answers, but not with 200");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// An address of the loopback.
pub(super) fn loopback(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

/// The one certificate of the comparison: chain and key in one file, as HAProxy wants it.
pub(crate) fn certificate(dir: &Path) -> anyhow::Result<PathBuf> {
    let path = dir.join("bench.pem");
    if !path.exists() {
        let made = rcgen::generate_simple_self_signed([HOST.to_owned()])?;
        std::fs::write(&path, made.cert.pem() + &made.signing_key.serialize_pem())?;
    }
    Ok(path)
}

/// The host that every request names.
pub(crate) const HOST: &str = "bench.example.com";
const ANSWER_DEADLINE: Duration = Duration::from_secs(20);
