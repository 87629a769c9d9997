//! What load balancers and process supervisors ask.

use super::desk::{Desk, body, config};

/// Everything of a response but the Date line.
fn undated(response: &str) -> String {
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    let head: Vec<&str> = head
        .lines()
        .filter(|line| !line.starts_with("Date: "))
        .collect();
    format!("{}\n\n{body}", head.join("\n"))
}

const WELL: &str = "HTTP/1.1 200 OK\nContent-Type: text/plain; charset=utf-8\n\
                    Cache-Control: private, max-age=0\nExpires: 0\nContent-Length: 3\n\
                    Connection: close\n\nok\n";
const UNWELL: &str = "HTTP/1.1 503 Service Unavailable\nCache-Control: private, max-age=0\n\
                      Expires: 0\nContent-Length: 0\nConnection: close\n\n";

/// Sorted lines, because the order of headers means nothing.
fn sorted(response: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = response.lines().collect();
    lines.sort_by_key(|line| line.to_ascii_lowercase());
    lines
}

#[test]
fn health_follows_the_router_from_warm_up_to_drain() {
    let desk = Desk::open(&config());
    let ask = || undated(&desk.get(desk.status, "/health", "").to_title_case());
    assert_eq!(sorted(&ask()), sorted(UNWELL));
    desk.state.health.warmed_up();
    assert_eq!(sorted(&ask()), sorted(WELL));
    desk.state.health.degrade();
    assert_eq!(sorted(&ask()), sorted(UNWELL));
}

/// Makes `connection: close` comparable.
trait TitleCase {
    fn to_title_case(&self) -> String;
}

impl TitleCase for String {
    fn to_title_case(&self) -> String {
        self.replace("connection: close", "Connection: close")
    }
}

#[test]
fn the_process_is_alive_whatever_its_health() {
    let desk = Desk::open(&config());
    let path = "/is-process-alive-do-not-use-for-loadbalancing";
    let response = desk.get(desk.status, path, "");
    assert!(response.starts_with("HTTP/1.1 200 OK\r\n"));
    assert!(!response.contains("Cache-Control"));
    assert_eq!(body(&response), "ok\n");
}

#[test]
fn probes_may_use_any_method_and_keep_their_connection() {
    let desk = Desk::open(&config());
    desk.state.health.warmed_up();
    let request = "POST /health HTTP/1.1\r\nHost: x\r\n\r\n\
                   GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let response = desk.send(desk.status, request);
    assert_eq!(response.matches("HTTP/1.1 200 OK\r\n").count(), 2);
}
