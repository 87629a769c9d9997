//! The client side: ports, front TLS, connections, workers.

use std::net::{IpAddr, Ipv6Addr};
use std::num::{NonZeroU32, NonZeroUsize};
use std::thread;
use std::time::Duration;

use super::TlsConfig;
use super::error::Report;
use super::file::{File, Switchyard};
use super::read::{At, Field};
use super::show::Tree;
use super::upstream::limit;

/// What `listen` and `core` need: where clients arrive and who serves them.
#[derive(Clone, Debug, PartialEq)]
pub struct ListenConfig {
    /// `switchyard.listen_address` (default `::`): address of both listeners; `::` takes IPv4 too.
    pub listen_address: IpAddr,
    /// `port`, `disable_http` (default `8081`, `false`): HTTP port, unless the second key closes it; 0 means any free port.
    pub port: Option<u16>,
    /// `enable_ssl` (default `false`): the HTTPS listener, whose keys follow.
    pub tls: Option<TlsConfig>,
    /// `enable_http2` (default `true`): HTTP/2 is offered on the front TLS and used to `http2` endpoints.
    pub enable_http2: bool,
    /// `enable_proxy` (default `false`): a PROXY protocol header may precede each connection; accepted, not yet in effect.
    pub enable_proxy: bool,
    /// `frontend_idle_timeout` (default `900s`): how long a client connection may rest between requests.
    pub frontend_idle_timeout: Duration,
    /// `read_header_timeout` (default off): how long a client may take to send a request head; at most 0 turns it off.
    pub read_header_timeout: Option<Duration>,
    /// `switchyard.workers`, `go_max_procs` (default one per core): worker threads; the first key wins, values below 1 mean the default, above 1024 mean 1024.
    pub workers: NonZeroUsize,
    /// `switchyard.pin_workers` (default `false`): whether each worker stays on its own core.
    pub pin_workers: CorePinning,
    /// `switchyard.max_connections` (default off): client connections at once, over all workers, more are closed at once; 0 turns it off.
    pub max_connections: Option<NonZeroU32>,
}

impl Default for ListenConfig {
    fn default() -> Self {
        Self {
            listen_address: IpAddr::V6(Ipv6Addr::UNSPECIFIED),
            port: Some(DEFAULT_PORT),
            tls: None,
            enable_http2: true,
            enable_proxy: false,
            frontend_idle_timeout: Duration::from_secs(900),
            read_header_timeout: None,
            workers: one_worker_per_core(),
            pin_workers: CorePinning::Floating,
            max_connections: None,
        }
    }
}

/// Whether a worker thread stays on one core.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum CorePinning {
    /// The kernel moves workers between cores as it likes.
    #[default]
    Floating,
    /// Worker `n` runs on core `n` only.
    Pinned,
}

fn one_worker_per_core() -> NonZeroUsize {
    thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

impl ListenConfig {
    pub(super) fn resolve(file: &File, report: &mut Report) -> Self {
        let default = Self::default();
        let ours = file.switchyard.clone().or_empty();
        let idle = file
            .frontend_idle_timeout
            .and_then(|at| at.value.unless_off());
        let enable_proxy = file.enable_proxy.filter(|at| at.value);
        if let Some(at) = enable_proxy {
            report.warning(at.place, "`enable_proxy` is accepted, not yet in effect");
        }
        Self {
            listen_address: listen_address(&ours, report).unwrap_or(default.listen_address),
            port: port(file, report),
            tls: TlsConfig::resolve(file, report),
            enable_http2: file.enable_http2.value_or(default.enable_http2),
            enable_proxy: enable_proxy.is_some(),
            frontend_idle_timeout: idle.unwrap_or(default.frontend_idle_timeout),
            read_header_timeout: limit(file.read_header_timeout, default.read_header_timeout),
            workers: workers(file, &ours).unwrap_or(default.workers),
            pin_workers: match ours.pin_workers.or_empty() {
                false => CorePinning::Floating,
                true => CorePinning::Pinned,
            },
            max_connections: ours
                .max_connections
                .and_then(|at| NonZeroU32::new(at.value)),
        }
    }

    /// Writes the keys of this slice.
    pub(super) fn show(&self, tree: &mut Tree) {
        tree.put("switchyard.listen_address", self.listen_address.to_string());
        tree.put("disable_http", self.port.is_none());
        if let Some(port) = self.port {
            tree.put("port", port);
        }
        tree.put("enable_ssl", self.tls.is_some());
        if let Some(tls) = &self.tls {
            tls.show(tree);
        }
        tree.put("enable_http2", self.enable_http2);
        tree.put("enable_proxy", self.enable_proxy);
        tree.time("frontend_idle_timeout", self.frontend_idle_timeout);
        tree.limit("read_header_timeout", self.read_header_timeout);
        tree.put("switchyard.workers", self.workers.get());
        tree.put(
            "switchyard.pin_workers",
            self.pin_workers == CorePinning::Pinned,
        );
        let max_connections = self.max_connections.map_or(0, std::num::NonZero::get);
        tree.put("switchyard.max_connections", max_connections);
    }
}

fn port(file: &File, report: &mut Report) -> Option<u16> {
    let disabled = file.disable_http.filter(|at| at.value);
    if let Some(at) = disabled
        && !file.enable_ssl.or_empty()
    {
        report.error(
            at.place,
            "`disable_http` without `enable_ssl` leaves no listener",
        );
    }
    match disabled {
        Some(_) => None,
        None => Some(file.port.value_or(DEFAULT_PORT)),
    }
}

fn listen_address(ours: &Switchyard, report: &mut Report) -> Option<IpAddr> {
    let at = ours
        .listen_address
        .as_ref()
        .filter(|at| !at.value.is_empty())?;
    let address = at.value.parse().ok();
    if address.is_none() {
        let found = at.value.escape_debug();
        let wanted = "an IP address such as `::` or `127.0.0.1`";
        let message = format!("`switchyard.listen_address` must be {wanted}, found `{found}`");
        report.error(at.place, message);
    }
    address
}

/// The number of threads that the file asks for, if it asks for one.
fn workers(file: &File, ours: &Switchyard) -> Option<NonZeroUsize> {
    let positive = |at: At<i64>| usize::try_from(at.value).ok().and_then(NonZeroUsize::new);
    // compat: -1 is gorouter's word for one per core, 0 leaves it to the runtime (gorouter 11.2).
    let asked = ours
        .workers
        .and_then(positive)
        .or_else(|| file.go_max_procs.and_then(positive));
    asked.map(|workers| workers.min(MAX_WORKERS))
}

const DEFAULT_PORT: u16 = 8081;
/// More threads than any machine has cores; a slip of the pen must not exhaust it.
const MAX_WORKERS: NonZeroUsize = NonZeroUsize::new(1024).expect("invariant: not zero");

#[cfg(test)]
mod tests {
    use super::{ListenConfig, NonZeroUsize};
    use crate::config::Config;

    fn workers(text: &str) -> usize {
        Config::parse(text, "g.yml")
            .unwrap()
            .config
            .listen
            .workers
            .get()
    }

    #[test]
    fn our_own_key_for_workers_wins() {
        let default = ListenConfig::default().workers.get();
        assert_eq!(workers("go_max_procs: 3"), 3);
        assert_eq!(workers("go_max_procs: 3\nswitchyard: {workers: 5}"), 5);
        assert_eq!(workers("go_max_procs: 3\nswitchyard: {workers: 0}"), 3);
        assert_eq!(workers("go_max_procs: -1"), default);
        assert_eq!(workers("go_max_procs: 0"), default);
        assert_eq!(workers("switchyard: {workers: 100000}"), 1024);
    }

    #[test]
    fn the_default_has_a_worker_per_core() {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        assert_eq!(ListenConfig::default().workers.get(), cores);
    }

    #[test]
    fn a_client_cannot_rest_without_end() {
        let listen = Config::parse("frontend_idle_timeout: 0s", "g.yml")
            .unwrap()
            .config
            .listen;
        assert_eq!(
            listen.frontend_idle_timeout,
            ListenConfig::default().frontend_idle_timeout
        );
    }
}
