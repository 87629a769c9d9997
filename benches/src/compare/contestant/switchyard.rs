//! Our own router with the configuration of `examples/gorouter.yml`, one worker, and its routes from the bus.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::{Contestant, Logs, Surroundings, certificate, loopback};
use crate::child::{Child, Pinned, args};
use crate::machine::free_port;

/// What differs between the runs of the router.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Distinguishes the folders of two runs.
    pub(crate) label: &'static str,
    pub(crate) logs: Logs,
    pub(crate) routing: Routing,
    /// Another build of the router.
    pub(crate) program: Option<PathBuf>,
}

/// How long a route lives without being announced again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Routing {
    /// As operators have it.
    Usual,
    /// So long that a large table lasts for a whole scenario.
    Patient,
}

impl Settings {
    pub(crate) fn usual(logs: Logs) -> Self {
        Self {
            label: logs.name(),
            logs,
            routing: Routing::Usual,
            program: None,
        }
    }
}

struct Ports {
    http: u16,
    https: u16,
    status: u16,
    routes: u16,
    bus: u16,
}

pub(super) fn start(
    around: &Surroundings,
    settings: &Settings,
    dir: &Path,
) -> anyhow::Result<Contestant> {
    let ports = Ports {
        http: free_port()?,
        https: free_port()?,
        status: free_port()?,
        routes: free_port()?,
        bus: around.bus_port,
    };
    let pem = std::fs::read_to_string(certificate(&around.dir)?)?;
    let file = dir.join("gorouter.yml");
    std::fs::write(&file, configuration(&ports, settings, dir, &pem))?;
    let program = settings.program.as_ref().unwrap_or(&around.programs.router);
    let args = args([Path::new("-c"), &file]);
    let command = Pinned {
        name: "switchyard",
        cpu: around.cpus.proxy,
        program,
        args,
    };
    let stdout = std::fs::File::create(dir.join("events.log"))?;
    let child = Child::start(&command, dir, Stdio::from(stdout))?;
    let (http, https) = (loopback(ports.http), Some(loopback(ports.https)));
    Ok(Contestant {
        name: "switchyard".into(),
        http,
        https,
        child,
    })
}

fn configuration(ports: &Ports, settings: &Settings, dir: &Path, pem: &str) -> String {
    let Ports {
        http,
        https,
        status,
        routes,
        bus,
    } = ports;
    let stale = match settings.routing {
        Routing::Usual => "120s",
        Routing::Patient => "3600s",
    };
    let (chain, key) = pem.split_at(pem.find(KEY_BEGINS).unwrap_or(pem.len()));
    let (chain, key) = (indented(chain), indented(key));
    let mut text = format!(
        r#"port: {http}
enable_ssl: true
ssl_port: {https}
min_tls_version: TLSv1.2
max_tls_version: TLSv1.3
cipher_suites: ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256
client_cert_validation: none
tls_pem:
- cert_chain: |
{chain}  private_key: |
{key}status:
  port: {status}
  user: bench
  pass: bench
  routes: {{port: {routes}}}
nats:
  hosts: [{{hostname: 127.0.0.1, port: {bus}}}]
logging: {{level: info}}
start_response_delay_interval: 0s
droplet_stale_threshold: {stale}
suspend_pruning_if_nats_unavailable: true
disable_keep_alives: false
max_idle_conns: 4000
max_idle_conns_per_host: 2000
endpoint_timeout: 60s
backends: {{max_attempts: 3}}
switchyard: {{workers: 1}}
"#
    );
    if settings.logs == Logs::On {
        // Writing to a String cannot fail.
        writeln!(text, "access_log: {{file: {}/access.log}}", dir.display()).ok();
    }
    text
}

fn indented(pem: &str) -> String {
    pem.lines()
        .map(|line| format!("    {}\n", line.trim_end()))
        .collect()
}

const KEY_BEGINS: &str = "-----BEGIN PRIVATE KEY-----";

#[cfg(test)]
mod tests {
    use super::*;

    fn written(settings: &Settings) -> String {
        let ports = Ports {
            http: 1,
            https: 2,
            status: 3,
            routes: 4,
            bus: 5,
        };
        let pem = format!(
            "-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----\n{KEY_BEGINS}\nBB\n"
        );
        configuration(&ports, settings, Path::new("/d"), &pem)
    }

    #[test]
    fn the_certificate_is_split_from_its_key() {
        let text = written(&Settings::usual(Logs::Off));
        assert!(
            text.contains("  private_key: |\n    -----BEGIN PRIVATE KEY-----\n    BB\nstatus:")
        );
        assert!(text.contains("- cert_chain: |\n    -----BEGIN CERTIFICATE-----\n    AA\n"));
    }

    #[test]
    fn only_a_logging_run_has_an_access_log() {
        let (off, on) = (
            written(&Settings::usual(Logs::Off)),
            written(&Settings::usual(Logs::On)),
        );
        assert!(!off.contains("access_log") && on.ends_with("access_log: {file: /d/access.log}\n"));
    }

    #[test]
    fn a_patient_router_keeps_a_large_table() {
        let settings = Settings {
            routing: Routing::Patient,
            ..Settings::usual(Logs::Off)
        };
        assert!(written(&settings).contains("droplet_stale_threshold: 3600s"));
    }
}
