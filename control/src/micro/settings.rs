//! The router's configuration file, as micro writes it.

use std::fmt::Write as _;
use std::num::NonZeroUsize;
use std::path::Path;

/// What the router is told.
#[derive(Debug)]
pub(super) struct Settings<'a> {
    pub(super) port: u16,
    pub(super) bus: u16,
    pub(super) status: u16,
    pub(super) routes: u16,
    pub(super) prometheus: u16,
    pub(super) password: &'a str,
    pub(super) access_log: &'a Path,
    pub(super) snapshot: &'a Path,
    pub(super) workers: Option<NonZeroUsize>,
}

impl Settings<'_> {
    /// Renders the file; gorouter could read it too, since our own keys are in one block.
    pub(super) fn render(&self) -> String {
        let mut text = String::from(HEADING);
        let _ = write!(
            text,
            "port: {port}
nats:
  hosts: [{{hostname: 127.0.0.1, port: {bus}}}]
status:
  host: 127.0.0.1
  port: {status}
  user: switchyard
  pass: {password}
  routes: {{port: {routes}}}
prometheus: {{enabled: true, port: {prometheus}}}
access_log: {{file: {access_log}}}
start_response_delay_interval: 0s
suspend_pruning_if_nats_unavailable: true
disable_keep_alives: false
max_idle_conns: 4000
max_idle_conns_per_host: 2000
endpoint_timeout: 60s
backends: {{max_attempts: 3}}
switchyard:
  listen_address: 127.0.0.1
  snapshot: {snapshot}
",
            port = self.port,
            bus = self.bus,
            status = self.status,
            password = quoted(self.password),
            routes = self.routes,
            prometheus = self.prometheus,
            access_log = quoted(&self.access_log.to_string_lossy()),
            snapshot = quoted(&self.snapshot.to_string_lossy()),
        );
        if let Some(workers) = self.workers {
            let _ = writeln!(text, "  workers: {workers}");
        }
        text
    }
}

/// A YAML scalar in single quotes, where only the quote itself needs care.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

const HEADING: &str =
    "# Written by `switchyard micro` at each start; changes made here are lost.\n";

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings<'static> {
        Settings {
            port: 8080,
            bus: 4222,
            status: 8081,
            routes: 8082,
            prometheus: 8083,
            password: "it's",
            access_log: Path::new("/tmp/a b/access.log"),
            snapshot: Path::new("/tmp/a b/routes.snapshot"),
            workers: NonZeroUsize::new(2),
        }
    }

    #[test]
    fn a_quote_inside_a_value_is_doubled() {
        assert!(settings().render().contains("pass: 'it''s'\n"));
    }

    #[test]
    fn our_own_keys_are_in_our_own_block() {
        let text = settings().render();
        let ours = text.split_once("switchyard:\n").unwrap().1;
        assert!(ours.lines().all(|line| line.starts_with("  ")));
        assert!(ours.ends_with("  workers: 2\n"));
    }
}
