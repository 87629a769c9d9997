//! The command itself: it listens, announces itself, serves files to agents, and ends when told.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bus::Bus;
use bus::connection::BusOptions;
use bus::server::{RunningServer, Server, ServerOptions};
use control::blobs::{Digest, Signer, Verb};
use control::model::Micros;
use control::store::Store;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::cloud::soon;

struct Running {
    child: Child,
    address: String,
    directory: TempDir,
    bus: Bus,
    _server: RunningServer,
}

impl Running {
    /// Starts the command, and gives who listens for registrations at the router.
    async fn start() -> (Self, bus::Subscription) {
        let server = Server::start(ServerOptions::default()).await.unwrap();
        let options = BusOptions {
            servers: vec![server.addr().into()],
            ..BusOptions::default()
        };
        let bus = Bus::connect(options).await.unwrap();
        let registered = bus.subscribe("router.register").await.unwrap();
        bus.flush().await.unwrap();
        let directory = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_switchyard"))
            .arg("controller")
            .args(["--nats", &format!("nats://{}", server.addr())])
            .args(["--listen", "127.0.0.1:0"])
            .arg("--dir")
            .arg(directory.path())
            .arg("--setup-link-file")
            .arg(directory.path().join("link"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        let address = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            BufReader::new(stdout).read_line(&mut line).unwrap();
            line.trim().trim_start_matches("listening on ").to_owned()
        });
        let running = Self {
            address: address.await.unwrap(),
            child,
            directory,
            bus,
            _server: server,
        };
        (running, registered)
    }

    async fn exchange(&self, method: &str, path: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: api.localhost\r\nContent-Length: {length}\r\n\
             Connection: close\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    async fn signer(&self) -> Signer {
        let file = self.directory.path().join("state.db");
        let store = Store::open(&format!("sqlite://{}", file.display()))
            .await
            .unwrap();
        let key = store.setting("file_signing_key").await.unwrap().unwrap();
        Signer::new(key.as_bytes())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _killed = self.child.kill();
        let _ended = self.child.wait();
    }
}

fn signed(signer: &Signer, verb: Verb, path: &str) -> String {
    let year = std::time::Duration::from_secs(365 * 24 * 3600);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    signer.sign(verb, path, Micros::default().after(now.unwrap()), year)
}

#[tokio::test]
async fn the_command_listens_announces_itself_and_ends_cleanly() {
    let (mut running, mut registered) = Running::start().await;
    let root = running.exchange("GET", "/", "").await;
    assert!(root.starts_with("HTTP/1.1 200"), "{root}");
    let message = soon(registered.next()).await.unwrap();
    let message = String::from_utf8(message.payload.to_vec()).unwrap();
    assert!(message.contains("\"api.localhost\""), "{message}");
    let link = std::fs::read_to_string(running.directory.path().join("link")).unwrap();
    assert!(
        link.starts_with(&format!("http://{}/setup/", running.address)),
        "{link}"
    );
    let mut gone = running.bus.subscribe("router.unregister").await.unwrap();
    running.bus.flush().await.unwrap();
    let pid = Pid::from_child(&running.child);
    kill_process(pid, Signal::TERM).unwrap();
    assert!(soon(gone.next()).await.is_some());
    let status = tokio::task::spawn_blocking(move || running.child.wait().unwrap());
    assert!(status.await.unwrap().success());
}

#[tokio::test]
async fn operators_find_the_controller_on_the_bus_and_see_its_figures() {
    let (running, _registered) = Running::start().await;
    let mut answers = running.bus.subscribe("_INBOX.found").await.unwrap();
    running.bus.flush().await.unwrap();
    let found: serde_json::Value = loop {
        let asked = running.bus.publish_with_reply(
            "vcap.component.discover",
            "_INBOX.found",
            bytes::Bytes::new(),
        );
        asked.await.unwrap();
        let answer = soon(answers.next()).await.unwrap();
        // The bus says with an empty answer that nobody listens yet.
        if !answer.payload.is_empty() {
            break serde_json::from_slice(&answer.payload).unwrap();
        }
    };
    assert_eq!(found["type"], "CloudController");
    assert_eq!(found["host"], running.address.as_str());
    let healthy = running.exchange("GET", "/healthz", "").await;
    assert!(
        healthy.starts_with("HTTP/1.1 200") && healthy.ends_with("\r\n\r\nok\n"),
        "{healthy}"
    );
    let refused = running.exchange("GET", "/varz", "").await;
    assert!(refused.starts_with("HTTP/1.1 401"), "{refused}");
    let credentials = [0, 1].map(|at| found["credentials"][at].as_str().unwrap());
    let basic = BASE64_STANDARD.encode(credentials.join(":"));
    // The credentials go in as one more header line.
    let shown = running
        .exchange(
            "GET",
            &format!("/varz HTTP/1.1\r\nAuthorization: Basic {basic}\r\nX-Rest:"),
            "",
        )
        .await;
    assert!(shown.starts_with("HTTP/1.1 200"), "{shown}");
    assert!(shown.contains("\"running_instances\":0"), "{shown}");
}

#[tokio::test]
async fn agents_get_and_put_files_at_signed_addresses_only() {
    let (running, _registered) = Running::start().await;
    let signer = running.signer().await;
    let cache = "/internal/apps/a/buildpack_cache";
    let unsigned = running.exchange("GET", cache, "").await;
    assert!(unsigned.starts_with("HTTP/1.1 403"), "{unsigned}");
    let (get, put) = (
        signed(&signer, Verb::Get, cache),
        signed(&signer, Verb::Put, cache),
    );
    let crossed = running.exchange("PUT", &get, "bytes").await;
    assert!(crossed.starts_with("HTTP/1.1 403"), "{crossed}");
    let missing = running.exchange("GET", &get, "").await;
    assert!(missing.starts_with("HTTP/1.1 404"), "{missing}");
    let stored = running.exchange("PUT", &put, "bytes").await;
    assert!(stored.starts_with("HTTP/1.1 201"), "{stored}");
    assert!(
        stored.contains(&Digest::of(b"bytes").to_string()),
        "{stored}"
    );
    let found = running.exchange("GET", &get, "").await;
    assert!(
        found.starts_with("HTTP/1.1 200") && found.ends_with("\r\n\r\nbytes"),
        "{found}"
    );
    let droplet = signed(&signer, Verb::Get, "/internal/droplets/none");
    let none = running.exchange("GET", &droplet, "").await;
    assert!(none.starts_with("HTTP/1.1 404"), "{none}");
}
