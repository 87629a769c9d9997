//! The files of an instance, for whoever holds a signed address.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use control::wire::{FindInstances, FoundInstance, Stop, Wire};
use rustix::process::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::files::Droplet;
use crate::scene::{Scene, worker};

/// An agent with one instance, whose files are asked for.
struct Shown {
    scene: Scene,
    guid: String,
}

impl Shown {
    async fn start() -> Self {
        let droplet = Droplet::serve(&[("page.html", "0123456789")]).await;
        let mut scene = Scene::start(&[]).await;
        scene
            .start_instance(&worker(&droplet, "exec sleep 600"))
            .await;
        let running = scene.eventually("RUNNING", 1).await;
        let guid = running[0]["instance"].as_str().unwrap().to_owned();
        Self { scene, guid }
    }

    fn root(&self) -> PathBuf {
        self.scene.dir.path().join("instances").join(&self.guid)
    }

    /// The address of a path, as the agent tells it to a controller.
    async fn address(&self, path: &str) -> String {
        let question = FindInstances {
            process: "p1".into(),
            path: Some(path.to_owned()),
            ..FindInstances::default()
        };
        let bytes = question.encode().into();
        let reply = self.scene.bus.request("dea.find.droplet", bytes).await;
        let found = FoundInstance::decode(&reply.unwrap().payload).unwrap();
        found.file_uri_v2.unwrap()
    }

    async fn get(&self, path: &str) -> (u16, String) {
        get(&self.address(path).await, "").await
    }
}

/// Asks and does not wait for the end.
async fn ask(address: &str, field: &str) -> TcpStream {
    let rest = address.strip_prefix("http://").unwrap();
    let (host, target) = rest.split_at(rest.find('/').unwrap());
    let mut stream = TcpStream::connect(host).await.unwrap();
    let request =
        format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{field}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

/// Status and everything that comes.
async fn get(address: &str, field: &str) -> (u16, String) {
    let mut stream = ask(address, field).await;
    let mut answer = String::new();
    let reading = stream.read_to_string(&mut answer);
    timeout(DEADLINE, reading).await.unwrap().unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let told = match status {
        206 | 416 => format!("{}|{body}", range(head)),
        _ => body.to_owned(),
    };
    (status, told)
}

fn range(head: &str) -> String {
    let fields = head.lines().map(str::to_ascii_lowercase);
    let mut ranges = fields.filter_map(|l| Some(l.strip_prefix("content-range: ")?.to_owned()));
    ranges.next().unwrap()
}

#[tokio::test]
async fn directories_are_listed_and_files_are_sent_whole_or_in_part() {
    let shown = Shown::start().await;
    let (status, list) = shown.get("").await;
    assert_eq!(status, 200);
    let names: Vec<&str> = list.lines().map(|l| l.split(' ').next().unwrap()).collect();
    assert!(
        names.contains(&"app/") && names.contains(&"logs/"),
        "{list}"
    );
    let (_, list) = shown.get("app").await;
    assert_eq!(list, format!("{:<35} {:>10}\n", "page.html", "10B"));
    assert_eq!(shown.get("app/page.html").await, (200, "0123456789".into()));
    let page = shown.address("app/page.html").await;
    for (range, status, told) in [
        ("bytes=2-4", 206, "bytes 2-4/10|234"),
        ("bytes=-3", 206, "bytes 7-9/10|789"),
        ("bytes=8-", 206, "bytes 8-9/10|89"),
        ("bytes=10-", 416, "bytes */10|"),
    ] {
        let got = get(&page, &format!("Range: {range}\r\n")).await;
        assert_eq!(got, (status, told.to_owned()), "{range}");
    }
}

#[tokio::test]
async fn what_is_appended_to_a_log_is_told_as_it_comes() {
    let shown = Shown::start().await;
    let path = shown.root().join("logs/own.log");
    let mut log = fs::File::create(&path).unwrap();
    log.write_all(b"one\n").unwrap();
    let address = shown.address("logs/own.log").await;
    let mut stream = ask(&format!("{address}&tail&tail_offset=0"), "").await;
    let mut answer = String::new();
    for line in ["one\n", "two\n", "three\n"] {
        if line != "one\n" {
            log.write_all(line.as_bytes()).unwrap();
        }
        while !answer.contains(line) {
            let mut part = [0; 1024];
            let read = timeout(DEADLINE, stream.read(&mut part)).await;
            let read = read.unwrap().unwrap();
            assert!(read > 0, "the end before {line}: {answer}");
            answer.push_str(std::str::from_utf8(&part[..read]).unwrap());
        }
    }
    fs::remove_file(&path).unwrap();
    let reading = stream.read_to_string(&mut answer);
    timeout(DEADLINE, reading).await.unwrap().unwrap();
}

#[tokio::test]
async fn nobody_sees_what_was_not_signed_for_them_or_lies_elsewhere() {
    let shown = Shown::start().await;
    let page = shown.address("app/page.html").await;
    let (start, hmac) = page.split_once("&hmac=").unwrap();
    let old = start.rsplit_once('=').unwrap().0;
    let other = page.replace(&shown.guid, "1b4e28ba-2fa1-11d2-883f-0016d3cca427");
    for (address, status) in [
        (start.to_owned(), 400),
        (format!("{old}=1000000000&hmac={hmac}"), 400),
        (format!("{old}=soon&hmac={hmac}"), 400),
        (format!("{start}&hmac={}", "0".repeat(128)), 401),
        (page.replace("page.html", "other"), 401),
        (other, 401),
    ] {
        assert_eq!(get(&address, "").await.0, status, "{address}");
    }
    let secret = shown.scene.dir.path().join("secret");
    fs::write(&secret, "x").unwrap();
    std::os::unix::fs::symlink(&secret, shown.root().join("app/out")).unwrap();
    for (path, status) in [
        ("app/none", 404),
        ("../secret", 403),
        ("app/../../../secret", 403),
        ("/etc/passwd", 403),
        ("app/out", 403),
        ("a\0b", 400),
    ] {
        assert_eq!(shown.get(path).await.0, status, "{path}");
    }
    let huge = "a/".repeat(2500);
    assert_eq!(shown.get(&huge).await.0, 400);
}

#[tokio::test]
async fn an_instance_without_files_says_so() {
    let shown = Shown::start().await;
    let address = shown.address("").await;
    fs::rename(shown.root(), shown.scene.dir.path().join("aside")).unwrap();
    assert_eq!(get(&address, "").await.0, 503);
}

#[tokio::test]
async fn an_instance_that_was_forgotten_is_unknown() {
    let droplet = Droplet::serve(&[("run", "")]).await;
    let mut scene = Scene::start(&[]).await;
    scene.start_instance(&worker(&droplet, "exit 3")).await;
    let crashed = scene.eventually("CRASHED", 1).await;
    let guid = crashed[0]["instance"].as_str().unwrap().to_owned();
    let mut shown = Shown { scene, guid };
    let address = shown.address("app").await;
    assert_eq!(get(&address, "").await.0, 200);
    let stop = Stop {
        process: "p1".into(),
        ..Stop::default()
    };
    shown.scene.tell("dea.stop", &stop).await;
    shown.scene.eventually("CRASHED", 0).await;
    assert_eq!(get(&address, "").await.0, 404);
}

#[tokio::test]
async fn files_are_shown_through_the_routers_when_there_is_a_domain_for_them() {
    let mut scene = Scene::start(&["--files-domain", "example.com:8080"]).await;
    let host = format!("{}.example.com", scene.id);
    let is_it = |json: &serde_json::Value| json["uris"][0] == host.as_str();
    scene.hear("router.register", is_it).await;
    let droplet = Droplet::serve(&[("run", "")]).await;
    scene
        .start_instance(&worker(&droplet, "exec sleep 600"))
        .await;
    scene.eventually("RUNNING", 1).await;
    let guid = String::new();
    let shown = Shown { scene, guid };
    let address = shown.address("app").await;
    let known = format!("http://{host}:8080/instance_paths/");
    assert!(address.starts_with(&known), "{address}");
    let mut scene = shown.scene;
    scene.agent.as_ref().unwrap().signal(Signal::TERM);
    scene.hear("router.unregister", is_it).await;
}

const DEADLINE: std::time::Duration = std::time::Duration::from_secs(60);
