//! What containers may reach is what the operator allows.

use std::net::Ipv4Addr;
use std::process::{Command, Stdio};

use control::agent::runtime::{Cause, Egress, Runtime};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::engine::{ended, handle, open_with, spec};
use crate::image::{docker, is_there};

/// A network of its own behind a pair of interfaces, with two addresses that take connections.
struct Elsewhere {
    name: String,
    network: [u8; 3],
    server: std::process::Child,
}

impl Elsewhere {
    fn make() -> Self {
        let key: u32 = rand::random();
        let [_, _, low, high] = key.to_be_bytes();
        let name = format!("syt{key:08x}");
        // Carrier-grade addresses: nobody's on a test machine.
        let network = [100, 64 + low % 64, high];
        let mut place = Self::server_in(&name);
        ip(&["netns", "add", &name]);
        ip(&[
            "link", "add", &name, "type", "veth", "peer", "name", "eth0", "netns", &name,
        ]);
        let [a, b, c] = network;
        ip(&["addr", "add", &format!("{a}.{b}.{c}.1/24"), "dev", &name]);
        ip(&["link", "set", &name, "up"]);
        for last in [2, 3] {
            let address = format!("{a}.{b}.{c}.{last}/24");
            ip(&["-n", &name, "addr", "add", &address, "dev", "eth0"]);
        }
        ip(&["-n", &name, "link", "set", "eth0", "up"]);
        Self {
            name,
            network,
            server: place.spawn().unwrap(),
        }
    }

    fn server_in(name: &str) -> Command {
        let mut command = Command::new("ip");
        let script = "import socket\n\
            s = socket.create_server(('0.0.0.0', 7000))\n\
            while True: s.accept()[0].close()";
        command.args(["netns", "exec", name, "python3", "-c", script]);
        command
    }

    fn address(&self, last: u8) -> Ipv4Addr {
        let [a, b, c] = self.network;
        Ipv4Addr::new(a, b, c, last)
    }

    async fn listens(&self) {
        let listening = async {
            while tokio::net::TcpStream::connect((self.address(2), 7000))
                .await
                .is_err()
            {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        let deadline = std::time::Duration::from_secs(60);
        tokio::time::timeout(deadline, listening).await.unwrap();
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
        let _ = Command::new("ip")
            .args(["netns", "del", &self.name])
            .status();
    }
}

fn ip(words: &[&str]) {
    let status = Command::new("ip").args(words).status().unwrap();
    assert!(status.success(), "ip {words:?}");
}

/// Whether a new container of the node gets a connection.
async fn reaches(runtime: &Runtime, dir: &TempDir, address: Ipv4Addr, port: u16) -> bool {
    let name = handle();
    let script = format!("exec timeout 20 bash -c '</dev/tcp/{address}/{port}'");
    let spec = spec(runtime, dir, &name, &script).await;
    runtime.start(spec).await.unwrap();
    let cause = ended(runtime, &name).await;
    runtime.remove(&name).await.unwrap();
    // 124 is the deadline: a filter that drops instead of refusing.
    assert_ne!(cause, Cause::Code(124));
    cause == Cause::Code(0)
}

/// Only root can make rules and networks.
fn is_root() -> bool {
    rustix::process::getuid().is_root()
}

#[tokio::test]
async fn containers_reach_what_is_allowed_and_nothing_that_is_blocked() {
    if !is_root() || !is_there() {
        return;
    }
    let elsewhere = Elsewhere::make();
    elsewhere.listens().await;
    let [open, closed] = [
        TcpListener::bind("0.0.0.0:0").await.unwrap(),
        TcpListener::bind("0.0.0.0:0").await.unwrap(),
    ];
    let port = |listener: &TcpListener| listener.local_addr().unwrap().port();
    let (allowed, blocked, node) = (
        elsewhere.address(2),
        elsewhere.address(3),
        elsewhere.address(1),
    );
    let dir = tempfile::tempdir().unwrap();
    let egress = Egress {
        blocked: vec!["100.64.0.0/10".parse().unwrap()],
        allowed: vec![allowed.to_string().parse().unwrap()],
        host_ports: vec![port(&open)],
    };
    let runtime = open_with(dir.path(), egress.clone()).await;
    let left = Leftovers::of(&dir);
    assert!(reaches(&runtime, &dir, allowed, 7000).await);
    assert!(!reaches(&runtime, &dir, blocked, 7000).await);
    assert!(reaches(&runtime, &dir, node, port(&open)).await);
    assert!(!reaches(&runtime, &dir, node, port(&closed)).await);

    // Another agent of the same node, and somebody who emptied the tables meanwhile.
    drop(runtime);
    let runtime = open_with(dir.path(), egress).await;
    left.unhook();
    assert!(!reaches(&runtime, &dir, blocked, 7000).await);
    assert!(Leftovers::tables().contains(&left.0));
    runtime.leave().await;
    assert!(!Leftovers::tables().contains(&left.0));
}

/// What the fence of a node left, if its test did not come to its end.
struct Leftovers(String);

impl Leftovers {
    fn of(dir: &TempDir) -> Self {
        let own = format!("label=switchyard_node={}", dir.path().display());
        let network = docker(&["network", "ls", "--filter", &own, "--format", "{{.Name}}"]);
        Self(network.strip_prefix("switchyard-").unwrap().to_owned())
    }

    /// Takes out what leads into our chain, as a firewall does that is loaded anew.
    fn unhook(&self) {
        let (bridge, chain) = (
            format!("sy-{}", self.0),
            format!("SWITCHYARD-{}-OUT", self.0),
        );
        let rule = ["-w", "-D", "DOCKER-USER", "-i", &bridge, "-j", &chain];
        let status = Command::new("iptables").args(rule).status().unwrap();
        assert!(status.success());
    }

    fn tables() -> String {
        let listed = Command::new("iptables")
            .args(["-w", "-S"])
            .output()
            .unwrap();
        String::from_utf8(listed.stdout).unwrap()
    }
}

impl Drop for Leftovers {
    fn drop(&mut self) {
        let network = format!("switchyard-{}", self.0);
        let mut words = Command::new("docker");
        let removing = words
            .args(["network", "rm", &network])
            .stderr(Stdio::null());
        let _ = removing.stdout(Stdio::null()).status();
    }
}
