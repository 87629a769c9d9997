//! The access log: gorouter's line, byte for byte, for everything that was answered.

use std::fs;

use harness::endpoint::Endpoint;
use harness::stage::{HOST, Stage};
use harness::wait::eventually_some;
use serde_json::{Value, json};
use tempfile::TempDir;

struct Logged {
    stage: Stage,
    folder: TempDir,
}

fn logged_with(endpoint: Endpoint, mut further: Value) -> Logged {
    let folder = TempDir::new().unwrap();
    further["access_log"] = json!({ "file": folder.path().join("access.log") });
    Logged {
        stage: Stage::configured(endpoint, &further),
        folder,
    }
}

fn logged(endpoint: Endpoint) -> Logged {
    logged_with(endpoint, json!({}))
}

impl Logged {
    /// Waits for the first line that contains `part`.
    fn line(&self, part: &str) -> String {
        eventually_some("the line is in the log", || {
            let text = fs::read_to_string(self.folder.path().join("access.log")).ok()?;
            let whole = text.rsplit_once('\n')?.0;
            whole
                .lines()
                .find(|line| line.contains(part))
                .map(str::to_owned)
        })
    }
}

/// Replaces what differs from run to run: time, ports, ids and durations.
fn masked(line: &str) -> String {
    let mut out = String::new();
    let mut digits = 0;
    for c in line.chars() {
        let hex = c.is_ascii_digit();
        digits = if hex { digits + 1 } else { 0 };
        match (hex, digits) {
            (true, 1) => out.push('#'),
            (true, _) => {}
            _ => out.push(c),
        }
    }
    let id = out
        .find("vcap_request_id:\"")
        .map(|at| at + "vcap_request_id:\"".len());
    if let Some((start, end)) = id.and_then(|at| Some((at, at + out[at..].find('"')?))) {
        out.replace_range(start..end, "ID");
    }
    out
}

#[test]
fn the_line_is_gorouters() {
    let logged = logged(Endpoint::saying("hello"));
    let raw = format!(
        "POST /golden?q=1 HTTP/1.1\r\nHost: {HOST}\r\nUser-Agent: \"quoted\" agent\r\nReferer: http://r/\r\n\
         X-Forwarded-For: 1.2.3.4\r\nContent-Length: 3\r\n\r\nabc"
    );
    assert_eq!(logged.stage.exchange(raw).status(), 200);
    let line = logged.line("golden");
    let expected = "a.example.com - [#-#-#T#:#:#.#Z] \"POST /golden?q=# HTTP/#.#\" # # # \"http://r/\" \
                    \"\\\"quoted\\\" agent\" \"#.#.#.#:#\" \"#.#.#.#:#\" x_forwarded_for:\"#.#.#.#, #.#.#.#\" \
                    x_forwarded_proto:\"http\" vcap_request_id:\"ID\" response_time:#.# gorouter_time:#.# \
                    app_id:\"app-guid\" app_index:\"#\" instance_id:\"instance-#\" x_cf_routererror:\"-\"";
    assert_eq!(masked(&line), expected);
    assert!(line.contains("\" 200 3 5 \""), "{line}");
    assert!(
        line.contains(&format!(
            "\"{}\" x_forwarded_for",
            logged.stage.endpoint.addr()
        )),
        "{line}"
    );
    assert!(
        line.contains("x_forwarded_for:\"1.2.3.4, 127.0.0.1\""),
        "{line}"
    );
}

#[test]
fn a_refusal_is_logged_with_its_reason() {
    let logged = logged(Endpoint::saying("hello"));
    let _ = logged
        .stage
        .exchange("GET /refused HTTP/1.1\r\nHost: unknown.org\r\n\r\n");
    let line = logged.line("refused");
    assert!(line.starts_with("unknown.org - ["), "{line}");
    assert!(
        line.contains("\" 404 0 ") && line.ends_with("x_cf_routererror:\"unknown_route\""),
        "{line}"
    );
    assert!(
        line.contains("gorouter_time:0.000000 app_id:\"-\" app_index:\"-\" instance_id:\"-\""),
        "{line}"
    );
}

#[test]
fn a_health_probe_is_logged() {
    let logged = logged(Endpoint::saying("hello"));
    let _ = logged
        .stage
        .exchange("GET /probe HTTP/1.1\r\nHost: x\r\nUser-Agent: HTTP-Monitor/1.1\r\n\r\n");
    assert!(
        logged
            .line("/probe")
            .contains("\" 200 0 3 \"-\" \"HTTP-Monitor/1.1\"")
    );
}

#[test]
fn an_answer_that_was_cut_is_logged() {
    let logged = logged(Endpoint::scripted(|conn| {
        conn.request();
        conn.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234");
    }));
    let mut client = logged.stage.client();
    client.get(HOST, "/cut");
    assert!(client.try_response().is_err());
    assert!(
        logged.line("/cut").contains("\" 200 0 5 "),
        "{}",
        logged.line("/cut")
    );
}

#[test]
fn a_client_that_leaves_is_logged_as_499() {
    let logged = logged(Endpoint::scripted(|conn| {
        conn.request();
        conn.until_closed();
    }));
    let mut client = logged.stage.client();
    client.get(HOST, "/left");
    logged.stage.endpoint.eventually_has(1);
    client.reset();
    let line = logged.line("/left");
    assert!(
        line.contains("\" 499 0 ")
            && line.contains("x_cf_routererror:\"endpoint_failure (context canceled)\""),
        "{line}"
    );
}

#[test]
fn a_bad_gateway_is_logged_with_its_endpoint() {
    let logged = logged(Endpoint::refusing());
    let _ = logged
        .stage
        .exchange(format!("GET /bad HTTP/1.1\r\nHost: {HOST}\r\n\r\n"));
    let line = logged.line("/bad");
    assert!(line.contains("\" 502 0 67 "), "{line}");
    assert!(
        line.contains("x_cf_routererror:\"endpoint_failure (dial tcp "),
        "{line}"
    );
}

#[test]
fn configured_headers_are_logged() {
    let further = json!({ "extra_headers_to_log": ["X-Tenant", "Cache-Control"] });
    let logged = logged_with(Endpoint::saying("hello"), further);
    let _ = logged.stage.exchange(format!(
        "GET /extra HTTP/1.1\r\nHost: {HOST}\r\nx-tenant: t\"1\r\n\r\n"
    ));
    let line = logged.line("/extra");
    assert!(
        line.ends_with("x_cf_routererror:\"-\" x_tenant:\"t\\\"1\" cache_control:\"-\""),
        "{line}"
    );
}

#[test]
fn the_query_of_a_get_can_be_left_out() {
    let further = json!({ "logging": { "redact_query_params": "all" } });
    let logged = logged_with(Endpoint::saying("hello"), further);
    let _ = logged.stage.exchange(format!(
        "GET /redacted?secret=1 HTTP/1.1\r\nHost: {HOST}\r\n\r\n"
    ));
    let line = logged.line("/redacted");
    assert!(line.contains("\"GET /redacted HTTP/1.1\""), "{line}");
}

#[test]
fn a_line_cannot_be_forged() {
    let logged = logged(Endpoint::saying("hello"));
    let mut raw = format!("GET /forged HTTP/1.1\r\nHost: {HOST}\r\nUser-Agent: a\\").into_bytes();
    raw.extend_from_slice(b"\" \xff\t\r\n\r\n");
    assert_eq!(logged.stage.exchange(raw).status(), 200);
    let line = logged.line("/forged");
    assert!(line.contains(r#""a\\\" \xff" "127"#), "{line}");
}
