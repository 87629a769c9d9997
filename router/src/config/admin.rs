//! The operator's side: health, routes, metrics.

use std::path::PathBuf;

use super::error::Report;
use super::file::{self, File};
use super::pem::{self, PemField};
use super::read::{At, Field, place_of};
use super::registry::some_path;
use super::show::Tree;
use super::{KeyPair, Secret};

/// What `admin` needs.
#[derive(Clone, Debug, PartialEq)]
pub struct AdminConfig {
    /// `status.host` (default `0.0.0.0`): address of the legacy endpoints; only used with `status.enable_deprecated_varz_healthz_endpoints`.
    pub host: String,
    /// `status.port` (default `8080`): plain health port; 0 means any free port.
    pub port: u16,
    /// `status.user` (default `""`): user of `/routes` and `/varz`.
    pub user: String,
    /// `status.pass` (default `""`): password of `/routes` and `/varz`.
    pub pass: Secret,
    /// `status.enable_nontls_health_checks` (default `true`): whether the plain health port opens.
    pub enable_nontls_health_checks: bool,
    /// `status.enable_deprecated_varz_healthz_endpoints` (default `false`): `/varz` and `/healthz` take the place of the plain health port.
    pub enable_deprecated_varz_healthz_endpoints: bool,
    /// `status.tls` (default off): health over TLS; any of its keys makes the others mandatory.
    pub tls: Option<StatusTls>,
    /// `status.routes.port` (default `8082`): port of `/routes`, on loopback only; 0 means any free port.
    pub routes_port: u16,
    /// `prometheus.enabled` (default `false`): `/metrics`, on loopback.
    pub prometheus: Option<PrometheusConfig>,
    /// `debug_addr` (default off): address of gorouter's profiler; accepted, not yet in effect.
    pub debug_addr: Option<String>,
}

impl Default for AdminConfig {
    fn default() -> Self {
        Self {
            host: "0.0.0.0".into(),
            port: 8080,
            user: String::new(),
            pass: Secret::default(),
            enable_nontls_health_checks: true,
            enable_deprecated_varz_healthz_endpoints: false,
            tls: None,
            routes_port: 8082,
            prometheus: None,
            debug_addr: None,
        }
    }
}

/// Health over TLS.
#[derive(Clone, Debug, PartialEq)]
pub struct StatusTls {
    /// `status.tls.port` (default `8443`): port; 0 means any free port.
    pub port: u16,
    /// `status.tls.certificate`, `status.tls.key` (default none): the certificate chain and its key.
    pub key_pair: KeyPair,
}

/// The metrics endpoint, on loopback.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PrometheusConfig {
    /// `prometheus.port` (default `0`): port; 0 means any free port.
    pub port: u16,
    /// `prometheus.cert_path` (default off): mutual TLS; only with a port other than 0.
    pub tls: Option<PrometheusTls>,
}

/// Files of the metrics endpoint's mutual TLS.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PrometheusTls {
    /// `prometheus.cert_path` (default none): our certificate chain.
    pub cert_path: PathBuf,
    /// `prometheus.key_path` (default none): its key.
    pub key_path: PathBuf,
    /// `prometheus.ca_path` (default none): authorities of clients.
    pub ca_path: PathBuf,
}

impl AdminConfig {
    pub(super) fn resolve(file: &File, report: &mut Report) -> Self {
        let default = Self::default();
        let status = file.status.clone().or_empty();
        let plain = status.enable_nontls_health_checks;
        let tls = status
            .tls
            .as_ref()
            .and_then(|at| StatusTls::resolve(&at.value, report));
        if !plain.value_or(true) && !status.tls.as_ref().is_some_and(|at| wants_tls(&at.value)) {
            let message = "`status.enable_nontls_health_checks: false` needs `status.tls`";
            report.error(place_of(plain.as_ref()), message);
        }
        if let Some(at) = file.debug_addr.as_ref().filter(|at| !at.value.is_empty()) {
            report.warning(at.place, "`debug_addr` is accepted, not yet in effect");
        }
        Self {
            host: status.host.value_or(default.host),
            port: status.port.value_or(default.port),
            user: status.user.or_empty(),
            pass: Secret::new(status.pass.or_empty()),
            enable_nontls_health_checks: plain.value_or(default.enable_nontls_health_checks),
            enable_deprecated_varz_healthz_endpoints: status
                .enable_deprecated_varz_healthz_endpoints
                .or_empty(),
            tls,
            routes_port: status.routes.or_empty().port.value_or(default.routes_port),
            prometheus: PrometheusConfig::resolve(file, report),
            debug_addr: file
                .debug_addr
                .clone()
                .map(|at| at.value)
                .filter(|text| !text.is_empty()),
        }
    }

    /// Writes the keys of this slice.
    pub(super) fn show(&self, tree: &mut Tree) {
        tree.put("status.host", self.host.as_str());
        tree.put("status.port", self.port);
        tree.put("status.user", self.user.as_str());
        tree.secret("status.pass", &self.pass);
        tree.put(
            "status.enable_nontls_health_checks",
            self.enable_nontls_health_checks,
        );
        tree.put(
            "status.enable_deprecated_varz_healthz_endpoints",
            self.enable_deprecated_varz_healthz_endpoints,
        );
        tree.put("status.routes.port", self.routes_port);
        if let Some(tls) = &self.tls {
            tree.put("status.tls.port", tls.port);
            tree.pair(
                "status.tls.certificate",
                "status.tls.key",
                Some(&tls.key_pair),
            );
        }
        tree.put("prometheus.enabled", self.prometheus.is_some());
        if let Some(prometheus) = &self.prometheus {
            tree.put("prometheus.port", prometheus.port);
            if let Some(tls) = &prometheus.tls {
                tree.path("prometheus.cert_path", Some(&tls.cert_path));
                tree.path("prometheus.key_path", Some(&tls.key_path));
                tree.path("prometheus.ca_path", Some(&tls.ca_path));
            }
        }
        tree.put("debug_addr", self.debug_addr.as_deref().unwrap_or_default());
    }
}

impl StatusTls {
    fn resolve(tls: &file::StatusTls, report: &mut Report) -> Option<Self> {
        let certificate = PemField::new(tls.certificate.as_ref(), "status.tls.certificate");
        let key = PemField::new(tls.key.as_ref(), "status.tls.key");
        let port = tls.port.value_or(DEFAULT_TLS_PORT);
        if !wants_tls(tls) {
            return None;
        }
        if certificate.is_empty() && key.is_empty() {
            let needed = "`status.tls.certificate` and `status.tls.key`";
            report.error(
                place_of(tls.port.as_ref()),
                format!("`status.tls.port` needs {needed}"),
            );
            return None;
        }
        let key_pair = pem::key_pair(&certificate, &key, pem::Halves::Refused, report)?;
        Some(Self { port, key_pair })
    }
}

/// Whether any key differs from its default.
fn wants_tls(tls: &file::StatusTls) -> bool {
    let set = |field: &Option<At<String>>| field.as_ref().is_some_and(|at| !at.value.is_empty());
    // compat: a port of its own asks for the listener as well (gorouter 11.2).
    let moved = tls.port.is_some_and(|at| at.value != DEFAULT_TLS_PORT);
    set(&tls.certificate) || set(&tls.key) || moved
}

impl PrometheusConfig {
    fn resolve(file: &File, report: &mut Report) -> Option<Self> {
        let prometheus = file.prometheus.clone().or_empty();
        let port = prometheus.port.or_empty();
        if let (Some(at), None) = (prometheus.port, prometheus.enabled) {
            // compat: old deployments set the port alone, and get nothing (gorouter 11.2).
            report.warning(at.place, "`prometheus.port` has no effect");
            report.help("add `prometheus.enabled: true`");
        }
        prometheus.enabled.filter(|at| at.value)?;
        let cert_path = some_path(prometheus.cert_path).filter(|_| port != 0);
        let tls = cert_path.map(|cert_path| PrometheusTls {
            cert_path,
            key_path: prometheus.key_path.or_empty(),
            ca_path: prometheus.ca_path.or_empty(),
        });
        Some(Self { port, tls })
    }
}

const DEFAULT_TLS_PORT: u16 = 8443;

#[cfg(test)]
mod tests {
    use crate::config::{AdminConfig, Config};

    fn admin(text: &str) -> Result<AdminConfig, String> {
        Config::parse(text, "g.yml")
            .map(|loaded| loaded.config.admin)
            .map_err(|errors| errors.to_string())
    }

    #[test]
    fn health_is_answered_somewhere() {
        for tls in [
            "",
            "tls: {}",
            "tls:",
            "tls: {port: 8443, certificate: '', key: ''}",
        ] {
            let text = format!("status:\n  enable_nontls_health_checks: false\n  {tls}\n");
            assert!(
                admin(&text).unwrap_err().contains("needs `status.tls`"),
                "{tls}"
            );
        }
    }

    #[test]
    fn any_key_of_status_tls_asks_for_the_others() {
        assert!(admin("status: {tls: {port: 8443}}").unwrap().tls.is_none());
        assert!(admin("status: {tls: {port: 1}}").is_err());
        assert!(admin("status: {tls: {certificate: x}}").is_err());
        assert!(admin("status: {tls: {key: x}}").is_err());
    }

    #[test]
    fn metrics_are_off_until_they_are_enabled() {
        assert_eq!(admin("prometheus: {port: 7}").unwrap().prometheus, None);
        assert_eq!(
            admin("prometheus: {enabled: false, port: 7}")
                .unwrap()
                .prometheus,
            None
        );
        assert_eq!(
            admin("prometheus: {enabled: true}")
                .unwrap()
                .prometheus
                .unwrap()
                .port,
            0
        );
    }

    #[test]
    fn metrics_have_tls_only_on_a_chosen_port() {
        let tls = |port| {
            let text =
                format!("prometheus: {{enabled: true, port: {port}, cert_path: /c, key_path: /k}}");
            admin(&text).unwrap().prometheus.unwrap().tls
        };
        assert_eq!(tls(0), None);
        assert_eq!(tls(7).unwrap().key_path.to_str(), Some("/k"));
    }
}
