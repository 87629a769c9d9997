//! The way to NATS.

use std::time::Duration;

use rustls_pki_types::CertificateDer;
use serde_json::json;

use super::error::Report;
use super::file::{File, Nats};
use super::pem::{self, PemField};
use super::read::{At, Field, place_of};
use super::show::{Tree, masked};
use super::{KeyPair, Secret};

/// What the bus connection needs.
#[derive(Clone, Debug, PartialEq)]
pub struct BusConfig {
    /// `nats.hosts` (default `localhost:4222`): list of `hostname` and `port`; never empty.
    pub hosts: Vec<NatsHost>,
    /// `nats.user` (default `""`): user name; sent when it or the password is not empty.
    pub user: String,
    /// `nats.pass` (default `""`): password.
    pub pass: Secret,
    /// `switchyard.nats_token` (default none): token, sent instead of user and password.
    pub nats_token: Option<Secret>,
    /// `nats.tls_enabled` (default `false`): TLS to NATS.
    pub tls: Option<BusTls>,
    /// `nats_client_ping_interval` (default `20s`): how often the connection is probed; two missed answers end it.
    pub nats_client_ping_interval: Duration,
}

impl Default for BusConfig {
    fn default() -> Self {
        Self {
            hosts: vec![NatsHost {
                hostname: "localhost".into(),
                port: 4222,
            }],
            user: String::new(),
            pass: Secret::default(),
            nats_token: None,
            tls: None,
            nats_client_ping_interval: Duration::from_secs(20),
        }
    }
}

/// One NATS server.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NatsHost {
    /// Name or address, as written; also the name that its certificate must bear.
    pub hostname: String,
    /// TCP port.
    pub port: u16,
}

/// TLS to NATS.
#[derive(Clone, Debug, PartialEq)]
pub struct BusTls {
    /// `nats.ca_certs` (default none, required with TLS): authorities of the servers; never empty.
    pub ca_certs: Vec<CertificateDer<'static>>,
    /// `nats.cert_chain`, `nats.private_key` (default none): our client certificate; gorouter demands it, we also take TLS without one.
    pub client: Option<KeyPair>,
}

impl BusConfig {
    pub(super) fn resolve(file: &File, report: &mut Report) -> Self {
        let default = Self::default();
        let nats = file.nats.clone().or_empty();
        let token = file.switchyard.clone().or_empty().nats_token.or_empty();
        let ping = file
            .nats_client_ping_interval
            .and_then(|at| at.value.unless_off());
        Self {
            hosts: hosts(&nats, report).unwrap_or(default.hosts),
            tls: BusTls::resolve(&nats, report),
            user: nats.user.or_empty(),
            pass: Secret::new(nats.pass.or_empty()),
            nats_token: Some(Secret::new(token)).filter(|token| !token.is_empty()),
            nats_client_ping_interval: ping.unwrap_or(default.nats_client_ping_interval),
        }
    }

    /// Writes the keys of this slice.
    pub(super) fn show(&self, tree: &mut Tree) {
        let host = |host: &NatsHost| json!({ "hostname": host.hostname, "port": host.port });
        tree.put(
            "nats.hosts",
            self.hosts.iter().map(host).collect::<Vec<_>>(),
        );
        tree.put("nats.user", self.user.as_str());
        tree.secret("nats.pass", &self.pass);
        tree.put("nats.tls_enabled", self.tls.is_some());
        if let Some(tls) = &self.tls {
            tree.put("nats.ca_certs", masked(&tls.ca_certs));
            tree.pair("nats.cert_chain", "nats.private_key", tls.client.as_ref());
        }
        tree.secret(
            "switchyard.nats_token",
            &self.nats_token.clone().unwrap_or_default(),
        );
        tree.time("nats_client_ping_interval", self.nats_client_ping_interval);
    }
}

impl BusTls {
    fn resolve(nats: &Nats, report: &mut Report) -> Option<Self> {
        let enabled = nats.tls_enabled.filter(|at| at.value)?;
        let ca_certs = PemField::new(nats.ca_certs.as_ref(), "nats.ca_certs");
        if ca_certs.is_empty() {
            report.error(enabled.place, "`nats.tls_enabled` needs `nats.ca_certs`");
        }
        let client = pem::key_pair(
            &PemField::new(nats.cert_chain.as_ref(), "nats.cert_chain"),
            &PemField::new(nats.private_key.as_ref(), "nats.private_key"),
            pem::Halves::Refused,
            report,
        );
        Some(Self {
            ca_certs: pem::authorities(&ca_certs, report),
            client,
        })
    }
}

/// The servers of the file; `None` when it does not name any key of theirs.
fn hosts(nats: &Nats, report: &mut Report) -> Option<Vec<NatsHost>> {
    let listed = nats.hosts.as_ref()?;
    if listed.value.is_empty() {
        report.error(listed.place, "`nats.hosts` names no server");
    }
    let host = |(n, at): (usize, &At<super::file::NatsHost>)| {
        let hostname = at.value.hostname.clone().or_empty();
        if hostname.is_empty() {
            report.error(at.place, format!("`nats.hosts[{n}].hostname` is missing"));
        }
        let port = at.value.port.value_or(0);
        if port == 0 {
            let place = place_of(at.value.port.as_ref()).unwrap_or(at.place);
            report.error(place, format!("`nats.hosts[{n}].port` is missing"));
        }
        NatsHost { hostname, port }
    };
    Some(listed.value.iter().enumerate().map(host).collect())
}
