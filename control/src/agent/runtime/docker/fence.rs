//! The fence: the network of a node's containers, and the packet filter that keeps them in.

use std::collections::HashMap;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use bollard::Docker;
use bollard::models::NetworkCreateRequest;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::sync::Mutex;
use tokio::time::timeout;
use tracing::{info, warn};

use super::egress::{Egress, Names, rules};
use super::labels::NODE;
use super::status;
use crate::agent::runtime::error::RuntimeError;

/// The network of a node's containers, and what keeps them in.
#[derive(Debug)]
pub(super) struct Fence {
    docker: Docker,
    names: Names,
    rules: String,
    /// One change of the rules at a time.
    turn: Mutex<()>,
}

impl Fence {
    pub(super) fn new(docker: Docker, node: &Path, egress: &Egress) -> Self {
        let names = Names::of(node);
        Self {
            docker,
            rules: rules(&names, egress),
            names,
            turn: Mutex::default(),
        }
    }

    /// The name of the network.
    pub(super) fn network(&self) -> &str {
        &self.names.network
    }

    /// Makes the network and sets the rules, whatever an earlier agent had set.
    pub(super) async fn raise(&self, node: &Path) -> Result<(), RuntimeError> {
        let _turn = self.turn.lock().await;
        let found = self.docker.inspect_network(&self.names.network, None);
        match found.await {
            // An earlier agent of this node made it.
            Ok(_) => {}
            Err(error) if status(&error) == Some(404) => self.connect(node).await?,
            Err(error) => return Err(RuntimeError::Docker(error)),
        }
        self.set().await?;
        info!(network = self.names.network, "fence-raised");
        Ok(())
    }

    /// Sees to it that the rules are there: who reloads a firewall often empties all of it.
    pub(super) async fn hold(&self) -> Result<(), RuntimeError> {
        let _turn = self.turn.lock().await;
        for jump in self.jumps() {
            if !asked("-C", &jump).await? {
                warn!(network = self.names.network, "fence-was-down");
                return self.set().await;
            }
        }
        Ok(())
    }

    /// Takes rules and network away. What does not go is left to the next one.
    pub(super) async fn lift(&self) {
        let _turn = self.turn.lock().await;
        for jump in self.jumps() {
            while asked("-D", &jump).await.unwrap_or(false) {}
        }
        for chain in [&self.names.out, &self.names.host] {
            for step in ["-F", "-X"] {
                let words = [step, chain.as_str()].map(str::to_owned);
                if let Err(error) = iptables("iptables", &words, "").await {
                    warn!(%error, "fence-not-lifted");
                }
            }
        }
        if let Err(error) = self.docker.remove_network(&self.names.network).await {
            warn!(%error, network = self.names.network, "fence-not-lifted");
        }
    }

    /// Makes the network.
    async fn connect(&self, node: &Path) -> Result<(), RuntimeError> {
        let option = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let created = self.docker.create_network(NetworkCreateRequest {
            name: self.names.network.clone(),
            driver: Some("bridge".to_owned()),
            labels: Some(HashMap::from([option(NODE, &node.display().to_string())])),
            options: Some(HashMap::from([
                option("com.docker.network.bridge.name", &self.names.bridge),
                // Applications reach each other by their routes.
                option("com.docker.network.bridge.enable_icc", "false"),
            ])),
            ..NetworkCreateRequest::default()
        });
        created.await.map(drop).map_err(RuntimeError::Docker)
    }

    async fn set(&self) -> Result<(), RuntimeError> {
        let words = ["--noflush".to_owned()];
        told(iptables("iptables-restore", &words, &self.rules).await?)?;
        for jump in self.jumps() {
            if !asked("-C", &jump).await? {
                let words = [vec!["-I".to_owned()], jump].concat();
                told(iptables("iptables", &words, "").await?)?;
            }
        }
        Ok(())
    }

    /// The way into the chains: first of all for what comes from our network.
    fn jumps(&self) -> [Vec<String>; 2] {
        let bridge = self.names.bridge.as_str();
        let jump = |from, to| [from, "-i", bridge, "-j", to].map(str::to_owned).to_vec();
        [
            jump("DOCKER-USER", &self.names.out),
            jump("INPUT", &self.names.host),
        ]
    }
}

/// Whether the kernel does, or has, what a rule says.
async fn asked(step: &str, rule: &[String]) -> Result<bool, RuntimeError> {
    let words = [&[step.to_owned()], rule].concat();
    Ok(iptables("iptables", &words, "").await?.status.success())
}

fn told(output: Output) -> Result<(), RuntimeError> {
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let reason = said.lines().find(|line| !line.trim().is_empty());
    Err(RuntimeError::Fence(
        reason.unwrap_or("iptables failed").trim().to_owned() + NEEDS,
    ))
}

async fn iptables(program: &str, words: &[String], input: &str) -> Result<Output, RuntimeError> {
    let running = async {
        let mut child = Command::new(program)
            .arg("-w")
            .args(words)
            // Where Debian keeps it, which is not on everybody's path.
            .env("PATH", PATH)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input.as_bytes()).await?;
        }
        child.wait_with_output().await
    };
    let failed = |reason: String| RuntimeError::Fence(format!("{program}: {reason}{NEEDS}"));
    let ran = timeout(PATIENCE, running).await;
    ran.map_err(|_late| failed(format!("not done within {} s", PATIENCE.as_secs())))?
        .map_err(|error| failed(error.to_string()))
}

const PATH: &str = "/usr/sbin:/sbin:/usr/bin:/bin";
const NEEDS: &str = " (the agent must be root, and iptables be installed)";
/// Others may hold the lock of the tables for a while.
const PATIENCE: Duration = Duration::from_secs(30);
