//! `healthcheck`: asks the router of a configuration whether it is healthy.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::config::AdminConfig;

use super::start::{complain, loaded};

/// Asks once; the code is 0 when the answer is 200.
pub(super) fn run(file: Option<&Path>) -> ExitCode {
    let config = match loaded(file) {
        Ok(loaded) => loaded.config,
        Err(errors) => {
            complain(&errors);
            return ExitCode::FAILURE;
        }
    };
    let answer = match address(&config.admin) {
        Some(address) => ask(&address),
        None => Err(io::Error::other("the plain health port is turned off")),
    };
    match answer {
        Ok(200) => ExitCode::SUCCESS,
        Ok(status) => {
            let _ = writeln!(io::stderr(), "error: /health answered {status}");
            ExitCode::FAILURE
        }
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: cannot ask for health: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Where the plain health port listens, seen from this machine.
fn address(admin: &AdminConfig) -> Option<String> {
    if admin.enable_deprecated_varz_healthz_endpoints {
        let host = match admin.host.as_str() {
            "" | "0.0.0.0" | "::" => "127.0.0.1",
            host => host,
        };
        return Some(format!("{host}:{}", admin.port));
    }
    admin
        .enable_nontls_health_checks
        .then(|| format!("127.0.0.1:{}", admin.port))
}

/// The status of `GET /health`.
fn ask(address: &str) -> io::Result<u16> {
    let deadline = Instant::now() + DEADLINE;
    let target = address
        .to_socket_addrs()?
        .next()
        .ok_or_else(|| io::Error::other(format!("{address} has no address")))?;
    let mut stream = TcpStream::connect_timeout(&target, DEADLINE)?;
    stream.set_write_timeout(Some(DEADLINE))?;
    write!(
        stream,
        "GET /health HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;

    let mut line = Vec::with_capacity(STATUS_LINE);
    while line.len() < STATUS_LINE {
        let left = deadline
            .saturating_duration_since(Instant::now())
            .max(Duration::from_millis(1));
        stream.set_read_timeout(Some(left))?;
        let mut bytes = [0; STATUS_LINE];
        let read = stream.read(&mut bytes)?;
        if read == 0 {
            break;
        }
        line.extend(bytes.iter().take(read));
    }
    status(&line).ok_or_else(|| io::Error::other("the answer is not HTTP"))
}

/// The status of an answer that begins with `bytes`.
fn status(bytes: &[u8]) -> Option<u16> {
    let rest = bytes
        .strip_prefix(b"HTTP/1.1 ")
        .or_else(|| bytes.strip_prefix(b"HTTP/1.0 "))?;
    std::str::from_utf8(rest.get(..3)?).ok()?.parse().ok()
}

/// No part of the question may take longer.
const DEADLINE: Duration = Duration::from_secs(5);
/// `HTTP/1.1 200`.
const STATUS_LINE: usize = 12;

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::thread;

    use super::{AdminConfig, address, ask, status};

    /// A port that answers one request with `answer`, byte by byte.
    fn answering(answer: &'static [u8]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            read_head(&mut stream);
            for byte in answer {
                if stream.write_all(&[*byte]).is_err() {
                    return;
                }
            }
        });
        address
    }

    fn read_head(stream: &mut TcpStream) {
        let mut head = Vec::new();
        let mut bytes = [0; 256];
        while !head.ends_with(b"\r\n\r\n") {
            let read = stream.read(&mut bytes).unwrap();
            assert_ne!(read, 0);
            head.extend_from_slice(&bytes[..read]);
        }
        assert!(head.starts_with(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1:"));
    }

    #[test]
    fn the_status_is_what_the_port_answers() {
        assert_eq!(
            ask(&answering(b"HTTP/1.1 200 OK\r\n\r\nok\n")).unwrap(),
            200
        );
        let draining = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(ask(&answering(draining)).unwrap(), 503);
    }

    #[test]
    fn no_router_and_no_http_are_errors() {
        let free = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        assert!(ask(&free.to_string()).is_err());
        assert!(ask(&answering(b"ok\n")).is_err());
        assert!(ask(&answering(b"")).is_err());
    }

    #[test]
    fn only_a_status_line_has_a_status() {
        assert_eq!(status(b"HTTP/1.0 404 "), Some(404));
        for junk in [
            &b""[..],
            b"HTTP/1.1 ",
            b"HTTP/1.1 20",
            b"HTTP/2 200",
            b"HTTP/1.1 abc",
        ] {
            assert_eq!(status(junk), None);
        }
    }

    #[test]
    fn the_legacy_port_is_asked_at_its_own_host() {
        let mut admin = AdminConfig {
            port: 1,
            host: "10.0.0.1".into(),
            ..AdminConfig::default()
        };
        assert_eq!(address(&admin).as_deref(), Some("127.0.0.1:1"));
        admin.enable_nontls_health_checks = false;
        assert_eq!(address(&admin), None);
        admin.enable_deprecated_varz_healthz_endpoints = true;
        assert_eq!(address(&admin).as_deref(), Some("10.0.0.1:1"));
        admin.host = "0.0.0.0".into();
        assert_eq!(address(&admin).as_deref(), Some("127.0.0.1:1"));
    }
}
