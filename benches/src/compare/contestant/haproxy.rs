//! HAProxy as an operator would tune it for this work: one thread, connections shared, log through a ring.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::Stdio;

use super::{Contestant, Logs, Surroundings, certificate, loopback};
use crate::child::{Child, Pinned, args};
use crate::machine::free_port;

pub(super) fn start(around: &Surroundings, logs: Logs, dir: &Path) -> anyhow::Result<Contestant> {
    let (http, https) = (loopback(free_port()?), loopback(free_port()?));
    let certificate = certificate(&around.dir)?;
    let sink = match logs {
        Logs::Off => None,
        Logs::On => Some(log_sink(&dir.join("access.log"))?),
    };
    let file = dir.join("haproxy.cfg");
    let addrs = [http, https, around.origin];
    std::fs::write(&file, configuration(addrs, sink, &certificate))?;
    let args = args([Path::new("-f"), &file]);
    let cpu = around.cpus.proxy;
    let command = Pinned {
        name: "haproxy",
        cpu,
        program: &around.programs.haproxy,
        args,
    };
    let child = Child::start(&command, dir, Stdio::null())?;
    Ok(Contestant {
        name: "haproxy".into(),
        http,
        https: Some(https),
        child,
    })
}

/// Receives log lines and writes them to a file, on a thread that lives as long as this process.
///
/// Measured beside one write for each line to stdout or to a syslog socket, the ring costs HAProxy the least; and the
/// receiver, as everything else, is not on the proxy's CPU.
fn log_sink(path: &Path) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let addr = listener.local_addr()?;
    let mut file = std::fs::File::create(path)?;
    std::thread::Builder::new()
        .name("log-sink".to_owned())
        .spawn(move || {
            while let Ok((mut lines, _)) = listener.accept() {
                // A broken connection is opened anew by HAProxy.
                io::copy(&mut lines, &mut file).ok();
            }
        })?;
    Ok(addr)
}

fn configuration(
    [http, https, origin]: [SocketAddr; 3],
    sink: Option<SocketAddr>,
    certificate: &Path,
) -> String {
    let (target, option, ring) = match sink {
        None => ("", "no log", String::new()),
        Some(sink) => {
            let target = "  log ring@lines len 2048 format rfc3164 local0\n";
            (target, "log global\n  option httplog", ring(sink))
        }
    };
    let certificate = certificate.display();
    format!(
        r#"global
  nbthread 1
  no strict-limits
  maxconn 16000
{target}{ring}defaults
  mode http
  {option}
  timeout connect 5s
  timeout client 900s
  timeout server 60s
  timeout http-keep-alive 900s
  http-reuse always
frontend front
  bind {http} backlog 4096
  bind {https} ssl crt {certificate} alpn h2,http/1.1 backlog 4096
  option forwardfor
  http-request set-header X-Forwarded-Proto %[ssl_fc,iif(https,http)]
  http-request set-header X-Request-Start %[date(0,ms)]
  http-request set-header X-Vcap-Request-Id %[uuid()]
  default_backend back
backend back
  server origin {origin}
"#
    )
}

fn ring(sink: SocketAddr) -> String {
    format!(
        "ring lines\n  format rfc3164\n  maxlen 2048\n  size 4194304\n  timeout connect 5s\n  \
         timeout server 900s\n  server sink {sink}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(sink: Option<u16>) -> String {
        configuration(
            [1, 2, 3].map(loopback),
            sink.map(loopback),
            Path::new("/c.pem"),
        )
    }

    #[test]
    fn logs_go_through_a_ring_or_nowhere() {
        let (on, off) = (written(Some(9)), written(None));
        assert!(on.contains("log ring@lines") && on.contains("option httplog"));
        assert!(on.contains("ring lines\n") && on.contains("  server sink 127.0.0.1:9\n"));
        assert!(off.contains("no log") && !off.contains("ring"));
    }

    #[test]
    fn connections_are_reused_always() {
        let text = written(None);
        assert!(text.contains("http-reuse always"));
        assert!(text.contains("server origin 127.0.0.1:3\n"));
    }
}
