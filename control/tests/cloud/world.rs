//! A cloud that is ready, a person who is logged in, and requests through the router.

use std::cell::OnceCell;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};
use serde_json::Value;
use tempfile::TempDir;

use crate::cloud::{Cloud, DEADLINE, children, eventually, micro, real_router};

pub(crate) struct World {
    pub(crate) cloud: Cloud,
    pub(crate) router: SocketAddr,
    pub(crate) api: String,
    pub(crate) proof: String,
    home: TempDir,
    token: OnceCell<String>,
}

impl World {
    /// Starts a cloud with an administrator and logs in; `None` where the router was not built.
    pub(crate) fn start() -> Option<Self> {
        Self::start_in(tempfile::tempdir().unwrap())
    }

    /// The same in a directory that may hold the state of an earlier cloud.
    pub(crate) fn start_in(dir: TempDir) -> Option<Self> {
        Self::start_with(dir, &[])
    }

    /// The same with more words on the command line.
    pub(crate) fn start_with(dir: TempDir, words: &[&str]) -> Option<Self> {
        let router = real_router()?;
        let home = tempfile::tempdir().unwrap();
        let password = home.path().join("password");
        fs::write(&password, "correct horse\n").unwrap();
        let mut command = micro(dir.path(), &router);
        command.args(["--admin-user", "ada", "--memory-mb", "4096"]);
        // Promised, not taken: what is free on the machine must not decide how many builds fit.
        command.args(["--disk-mb", "65536"]);
        command.args(words);
        command.arg("--admin-password-file").arg(&password);
        let began = Instant::now();
        let cloud = Cloud::start(dir, command);
        let api = cloud.expect("api")["url"].as_str().unwrap().to_owned();
        let proof = cloud.expect("ready")["url"].as_str().unwrap().to_owned();
        println!("ready after {:?}", began.elapsed());
        let port = proof.trim_end_matches('/').rsplit(':').next().unwrap();
        let router = SocketAddr::from(([127, 0, 0, 1], port.parse().unwrap()));
        let world = Self {
            cloud,
            router,
            api,
            proof,
            home,
            token: OnceCell::new(),
        };
        let account = ["--user", "ada", "--password-file"];
        let login = ["login", "--api", &world.api];
        let words = [&login[..], &account[..], &[password.to_str().unwrap()]].concat();
        world.kato(&words);
        Some(world)
    }

    /// Runs `kato`, which must succeed; what it said.
    pub(crate) fn kato(&self, words: &[&str]) -> String {
        let output = self.kato_command(words).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "kato {words:?}: {said}\n{complaint}"
        );
        said
    }

    pub(crate) fn kato_command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kato"));
        command
            .args(words)
            .env("KATO_HOME", self.home.path().join("kato"))
            .env_remove("KATO_API")
            .env_remove("KATO_TOKEN")
            .current_dir(self.home.path())
            .stdin(Stdio::null());
        command
    }

    /// Status and body of a page of an application, through the router.
    pub(crate) fn get(&self, host: &str, path: &str) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect_timeout(&self.router, Duration::from_secs(2)).ok()?;
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        )
        .ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok()?;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let status = answer.split(' ').nth(1)?.parse().ok()?;
        let (_, body) = answer.split_once("\r\n\r\n")?;
        Some((status, body.to_owned()))
    }

    /// Status and document that the API gives the administrator for this (as in `GET /v3/apps`).
    pub(crate) fn ask(&self, asked: &str, body: &Value) -> (u16, Value) {
        let token = self.token.get_or_init(|| {
            let form = "grant_type=password&client_id=cf&username=ada&password=correct%20horse";
            let kind = "application/x-www-form-urlencoded";
            let (_, document) = self.exchange("POST /oauth/token", (kind, form), "");
            document["access_token"].as_str().unwrap().to_owned()
        });
        let body = ("application/json", &*body.to_string());
        self.exchange(asked, body, &format!("Authorization: bearer {token}\r\n"))
    }

    fn exchange(&self, asked: &str, (kind, body): (&str, &str), further: &str) -> (u16, Value) {
        let authority = self.api.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(authority).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let length = body.len();
        write!(
            stream,
            "{asked} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n{further}\
             Content-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap_or(Value::Null))
    }

    /// Waits for a page with this status.
    pub(crate) fn expect_page(&self, host: &str, status: u16) -> String {
        eventually(&format!("{status} of {host}"), || {
            let (found, body) = self.get(host, "/")?;
            (found == status).then_some(body)
        })
    }

    /// The process of a part of the platform.
    pub(crate) fn part(&self, word: &str) -> Pid {
        eventually(word, || {
            let all = children(self.cloud.pid());
            all.into_iter()
                .find(|pid| command_line(*pid).contains(word))
        })
    }

    /// Kills the cloud; the directory is left for the next one.
    pub(crate) fn stop_hard(self) -> TempDir {
        self.cloud.signal(Signal::KILL);
        self.cloud.end().1
    }

    /// Ends the cloud; the directory is left for the next one.
    pub(crate) fn stop(self) -> TempDir {
        self.cloud.signal(Signal::INT);
        self.cloud.expect("stopped");
        let (status, dir) = self.cloud.end();
        assert_eq!(status.code(), Some(0));
        dir
    }
}

/// The processes that hold this directory's name in their environment or command line.
pub(crate) fn processes_under(dir: &Path) -> Vec<Pid> {
    let name = dir.to_str().unwrap().to_owned();
    let all = fs::read_dir("/proc").unwrap().flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let mut found: Vec<Pid> = pids
        .filter(|pid| {
            let read = |file| fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
            let text = [read("environ"), read("cmdline")].concat();
            String::from_utf8_lossy(&text).contains(&name)
        })
        .filter_map(Pid::from_raw)
        .collect();
    found.sort_by_key(|pid| pid.as_raw_nonzero());
    found
}

pub(crate) fn command_line(pid: Pid) -> String {
    let text = fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).unwrap_or_default();
    String::from_utf8_lossy(&text).replace('\0', " ")
}

/// The example applications of this project.
pub(crate) fn example(name: &str) -> PathBuf {
    let apps = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/apps");
    apps.join(name).canonicalize().unwrap()
}

/// One field of an event.
pub(crate) fn text(event: &Value, field: &str) -> String {
    event[field].as_str().unwrap().to_owned()
}
