//! The whole of it with the real router: from the first line to the last.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::cloud::{Cloud, DEADLINE, children, eventually, lives, micro, micro_on, real_router};

#[test]
fn ready_means_that_the_printed_address_serves_the_sample() {
    let Some(cloud) = start() else { return };
    let address = ready(&cloud);
    let answer = get(address, "/").unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("Hello from instance"), "{answer}");
    let long = get(address, "/bytes/100000").unwrap();
    let (_head, body) = long.split_once("\r\n\r\n").unwrap();
    assert_eq!(body.len(), 100_000);
}

#[test]
fn figures_count_what_went_through_the_router() {
    let Some(cloud) = start() else { return };
    let address = ready(&cloud);
    eventually("figures above zero", || {
        get(address, "/health")?;
        let figures = cloud.expect("figures");
        (figures["requests_per_second"].as_f64()? > 0.0
            && figures["p99_seconds"].is_number()
            && figures["rss_bytes"].is_number())
        .then_some(())
    });
}

#[test]
fn a_busy_port_is_named_and_the_next_free_one_taken() {
    let Some(router) = real_router() else { return };
    let busy = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = busy.local_addr().unwrap().port();
    let dir = tempfile::tempdir().unwrap();
    let command = micro_on(port, dir.path(), &router);
    let cloud = Cloud::start(dir, command);
    let taken = cloud.expect("port-taken");
    assert_eq!(taken["port"], port);
    assert_eq!(taken["pid"], std::process::id());
    assert_ne!(ready(&cloud).port(), port);
}

#[test]
fn a_router_that_is_killed_comes_back_and_knows_the_sample_again() {
    let Some(cloud) = start() else { return };
    let address = ready(&cloud);
    let router = router_of(&cloud);
    kill_process(router, Signal::KILL).unwrap();
    let death = cloud.expect("died");
    assert_eq!(death["part"], "router");
    eventually("answer of the sample", || {
        get(address, "/").filter(|answer| answer.contains("Hello from instance"))
    });
    assert_ne!(router_of(&cloud), router);
}

#[test]
fn a_sample_that_is_killed_is_found_at_its_new_port() {
    let Some(cloud) = start() else { return };
    let address = ready(&cloud);
    let router = router_of(&cloud);
    let sample = children(cloud.pid()).into_iter().find(|pid| *pid != router);
    kill_process(sample.unwrap(), Signal::KILL).unwrap();
    assert_eq!(cloud.expect("died")["part"], "sample");
    eventually("answer of the sample", || {
        get(address, "/").filter(|answer| answer.contains("Hello from instance"))
    });
}

#[test]
fn stop_ends_with_success_and_leaves_nobody_behind() {
    let Some(cloud) = start() else { return };
    ready(&cloud);
    let family = children(cloud.pid());
    assert_eq!(family.len(), 2);
    cloud.signal(Signal::INT);
    cloud.expect("stopped");
    let (status, _dir) = cloud.end();
    assert_eq!(status.code(), Some(0));
    assert!(family.into_iter().all(|child| !lives(child)));
}

fn start() -> Option<Cloud> {
    let router = real_router()?;
    let dir = tempfile::tempdir().unwrap();
    let command = micro(dir.path(), &router);
    Some(Cloud::start(dir, command))
}

/// Waits for `ready` and returns the address behind its URL.
fn ready(cloud: &Cloud) -> SocketAddr {
    let event: Value = cloud.expect("ready");
    let url = event["url"].as_str().unwrap();
    let port = url
        .strip_prefix("http://hello.localhost:")
        .and_then(|rest| rest.strip_suffix('/'))
        .unwrap();
    SocketAddr::from(([127, 0, 0, 1], port.parse().unwrap()))
}

fn router_of(cloud: &Cloud) -> Pid {
    eventually("router", || {
        children(cloud.pid()).into_iter().find(|pid| {
            let path = format!("/proc/{}/exe", pid.as_raw_nonzero());
            std::fs::read_link(path).is_ok_and(|exe| exe.ends_with("switchyard-router"))
        })
    })
}

/// One request on a connection of its own; `None` when nothing came back.
fn get(address: SocketAddr, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(2)).ok()?;
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: hello.localhost\r\nConnection: close\r\n\r\n"
    )
    .ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}
