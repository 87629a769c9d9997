//! Connections to endpoints.

use std::num::NonZeroUsize;
use std::time::Duration;

use rustls_pki_types::CertificateDer;

use rustls::SupportedCipherSuite;

use super::KeyPair;
use super::duration::GoDuration;
use super::error::Report;
use super::file::File;
use super::pem::{self, PemField};
use super::read::{At, Field};
use super::show::{Tree, count_of, masked};
use super::suites;

/// What `upstream` needs.
#[derive(Clone, Debug, PartialEq)]
pub struct UpstreamConfig {
    /// `endpoint_dial_timeout` (default `5s`): TCP connect of one attempt; at most 0 turns it off.
    pub endpoint_dial_timeout: Option<Duration>,
    /// `tls_handshake_timeout` (default `10s`): TLS handshake of one attempt; at most 0 turns it off.
    pub tls_handshake_timeout: Option<Duration>,
    /// `endpoint_keep_alive_probe_interval` (default `1s`): TCP keep-alive period; at most 0 turns probes off.
    pub endpoint_keep_alive_probe_interval: Option<Duration>,
    /// `disable_keep_alives` (default `true`): every request gets a new connection.
    pub disable_keep_alives: bool,
    /// `max_idle_conns` (default `100`): idle connections kept per endpoint, beside the next key; 0 means no limit, below 0 none.
    // compat: gorouter has one transport per endpoint, so its total is a total per endpoint (gorouter 5.5).
    pub max_idle_conns: usize,
    /// `max_idle_conns_per_host` (default `2`): idle connections kept per endpoint; 0 means 2, below 0 none.
    pub max_idle_conns_per_host: usize,
    /// `switchyard.idle_endpoint_timeout` (default `90s`): how long an idle connection is kept.
    pub idle_endpoint_timeout: Duration,
    /// `max_response_header_bytes` (default `10485760`): size limit of an endpoint's response head; at most 0 means the default.
    pub max_response_header_bytes: usize,
    /// `max_response_headers` (default off): limit of header lines in an endpoint's answer; at most 0 turns it off.
    pub max_response_headers: Option<NonZeroUsize>,
    /// `backends.cert_chain`, `backends.private_key` (default none): our client certificate towards endpoints.
    pub client: Option<KeyPair>,
    /// `ca_certs` (default `[]`): authorities of endpoints beside the system's.
    pub ca_certs: Vec<CertificateDer<'static>>,
    /// `cipher_suites` (default every suite): suites for TLS 1.2 to endpoints, with those of TLS 1.3; the list of the front.
    pub cipher_suites: Vec<SupportedCipherSuite>,
}

impl Default for UpstreamConfig {
    fn default() -> Self {
        Self {
            endpoint_dial_timeout: Some(Duration::from_secs(5)),
            tls_handshake_timeout: Some(Duration::from_secs(10)),
            endpoint_keep_alive_probe_interval: Some(Duration::from_secs(1)),
            disable_keep_alives: true,
            max_idle_conns: 100,
            max_idle_conns_per_host: 2,
            idle_endpoint_timeout: Duration::from_secs(90),
            max_response_header_bytes: 10 << 20,
            max_response_headers: None,
            client: None,
            ca_certs: Vec::new(),
            cipher_suites: suites::all(),
        }
    }
}

impl UpstreamConfig {
    pub(super) fn resolve(file: &File, report: &mut Report) -> Self {
        let default = Self::default();
        let ours = file.switchyard.clone().or_empty();
        let idle = ours
            .idle_endpoint_timeout
            .and_then(|at| at.value.unless_off());
        let (max_idle_conns, max_idle_conns_per_host) = idle_limits(file, &default);
        Self {
            endpoint_dial_timeout: limit(file.endpoint_dial_timeout, default.endpoint_dial_timeout),
            tls_handshake_timeout: limit(file.tls_handshake_timeout, default.tls_handshake_timeout),
            endpoint_keep_alive_probe_interval: limit(
                file.endpoint_keep_alive_probe_interval,
                default.endpoint_keep_alive_probe_interval,
            ),
            disable_keep_alives: file
                .disable_keep_alives
                .value_or(default.disable_keep_alives),
            max_idle_conns,
            max_idle_conns_per_host,
            idle_endpoint_timeout: idle.unwrap_or(default.idle_endpoint_timeout),
            max_response_header_bytes: count(file.max_response_header_bytes)
                .map_or(default.max_response_header_bytes, NonZeroUsize::get),
            max_response_headers: count(file.max_response_headers),
            client: client(file, report),
            ca_certs: authorities(file, report),
            cipher_suites: suites::of_file(file).unwrap_or(default.cipher_suites),
        }
    }

    /// Writes the keys of this slice.
    pub(super) fn show(&self, tree: &mut Tree) {
        tree.limit("endpoint_dial_timeout", self.endpoint_dial_timeout);
        tree.limit("tls_handshake_timeout", self.tls_handshake_timeout);
        let probes = self.endpoint_keep_alive_probe_interval;
        tree.limit("endpoint_keep_alive_probe_interval", probes);
        tree.put("disable_keep_alives", self.disable_keep_alives);
        tree.put("max_idle_conns", self.max_idle_conns);
        let per_host = i64::try_from(self.max_idle_conns_per_host).unwrap_or(i64::MAX);
        tree.put(
            "max_idle_conns_per_host",
            if per_host == 0 { -1 } else { per_host },
        );
        tree.time(
            "switchyard.idle_endpoint_timeout",
            self.idle_endpoint_timeout,
        );
        tree.put("max_response_header_bytes", self.max_response_header_bytes);
        tree.put("max_response_headers", count_of(self.max_response_headers));
        tree.pair(
            "backends.cert_chain",
            "backends.private_key",
            self.client.as_ref(),
        );
        let authorities = match self.ca_certs.as_slice() {
            [] => Vec::new(),
            some => vec![masked(some)],
        };
        tree.put("ca_certs", authorities);
        tree.put("cipher_suites", suites::shown(&self.cipher_suites));
    }
}

/// `max_idle_conns` and `max_idle_conns_per_host`.
fn idle_limits(file: &File, default: &UpstreamConfig) -> (usize, usize) {
    let total = file.max_idle_conns.map(|at| at.value);
    let per_host = file.max_idle_conns_per_host.map(|at| at.value);
    // compat: Go's transport keeps nothing when a limit is below 0, and 2 per host when that limit is 0.
    if total.is_some_and(|n| n < 0) || per_host.is_some_and(|n| n < 0) {
        return (0, 0);
    }
    let usize_or =
        |n: Option<i64>, default| n.and_then(|n| usize::try_from(n).ok()).unwrap_or(default);
    let per_host = usize_or(per_host.filter(|&n| n > 0), default.max_idle_conns_per_host);
    (usize_or(total, default.max_idle_conns), per_host)
}

/// The client certificate, when the file has both of its parts.
fn client(file: &File, report: &mut Report) -> Option<KeyPair> {
    let backends = file.backends.clone().or_empty();
    pem::key_pair(
        &PemField::new(backends.cert_chain.as_ref(), "backends.cert_chain"),
        &PemField::new(backends.private_key.as_ref(), "backends.private_key"),
        // compat: gorouter looks at them only when both are set (gorouter 11.3).
        pem::Halves::Ignored,
        report,
    )
}

fn authorities(file: &File, report: &mut Report) -> Vec<CertificateDer<'static>> {
    let listed = file.ca_certs.clone().or_empty();
    listed
        .iter()
        .enumerate()
        .flat_map(|(n, at)| {
            pem::authorities(&PemField::new(Some(at), &format!("ca_certs[{n}]")), report)
        })
        .collect()
}

/// A limit in time that zero and below turn off.
pub(super) fn limit(field: Option<At<GoDuration>>, default: Option<Duration>) -> Option<Duration> {
    field.map_or(default, |at| at.value.unless_off())
}

/// A limit in numbers that zero and below turn off.
pub(super) fn count(field: Option<At<i64>>) -> Option<NonZeroUsize> {
    field
        .and_then(|at| usize::try_from(at.value).ok())
        .and_then(NonZeroUsize::new)
}

#[cfg(test)]
mod tests {
    use super::UpstreamConfig;
    use crate::config::Config;

    fn upstream(text: &str) -> UpstreamConfig {
        Config::parse(text, "g.yml").unwrap().config.upstream
    }

    fn idle(text: &str) -> (usize, usize) {
        let upstream = upstream(text);
        (upstream.max_idle_conns, upstream.max_idle_conns_per_host)
    }

    #[test]
    fn idle_limits_mean_what_gos_transport_makes_of_them() {
        assert_eq!(idle(""), (100, 2));
        assert_eq!(
            idle("max_idle_conns: 0\nmax_idle_conns_per_host: 0"),
            (0, 2)
        );
        assert_eq!(idle("max_idle_conns_per_host: -1"), (0, 0));
        assert_eq!(
            idle("max_idle_conns: -5\nmax_idle_conns_per_host: 7"),
            (0, 0)
        );
        assert_eq!(
            idle("max_idle_conns: 50\nmax_idle_conns_per_host: 7"),
            (50, 7)
        );
    }

    #[test]
    fn limits_of_zero_are_off_or_the_default() {
        let zero = upstream("max_response_header_bytes: 0\nmax_response_headers: 0");
        assert_eq!(zero.max_response_header_bytes, 10 << 20);
        assert_eq!(zero.max_response_headers, None);
        let set = upstream("max_response_header_bytes: 9\nmax_response_headers: 8");
        assert_eq!(set.max_response_header_bytes, 9);
        assert_eq!(set.max_response_headers.map(usize::from), Some(8));
    }
}
