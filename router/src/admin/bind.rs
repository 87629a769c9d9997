//! Bind: the status ports, open before there is anything to say.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::Arc;

use rustls::ServerConfig;
use thiserror::Error;

use crate::config::{AdminConfig, ListenConfig};

use super::auth::Credentials;
use super::site::Site;
use super::tls;

/// The open status ports.
#[derive(Debug)]
pub struct AdminListeners {
    pub(super) ports: Vec<Port>,
    pub(super) credentials: Credentials,
}

/// One open port.
#[derive(Debug)]
pub(super) struct Port {
    pub(super) site: Site,
    pub(super) listener: TcpListener,
    pub(super) address: SocketAddr,
    pub(super) tls: Option<Arc<ServerConfig>>,
}

/// A status port cannot be opened.
#[derive(Debug, Error)]
pub enum BindError {
    /// A certificate, a key or an authority cannot be read.
    #[error("cannot read {}", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: rustls_pki_types::pem::Error,
    },
    /// The address is taken, forbidden or not ours.
    #[error("cannot listen on {address} for {site}")]
    Port {
        /// What the port is for.
        site: &'static str,
        /// `host:port`.
        address: String,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// Certificate, key and versions do not go together.
    #[error("cannot speak TLS for {site}")]
    Tls {
        /// What the port is for.
        site: &'static str,
        /// What is wrong.
        #[source]
        source: rustls::Error,
    },
    /// The authorities of clients cannot be used.
    #[error("cannot verify clients of {site}")]
    Verifier {
        /// What the port is for.
        site: &'static str,
        /// What is wrong.
        #[source]
        source: rustls::server::VerifierBuilderError,
    },
}

/// Opens the status ports (gorouter 8.1); from now on they queue connections until [`serve`].
///
/// TLS health takes its ciphers and versions from the front.
///
/// [`serve`]: fn@super::serve
///
/// # Errors
///
/// Fails when a port cannot be opened, or its certificate not be used.
pub fn bind(config: &AdminConfig, front: &ListenConfig) -> Result<AdminListeners, BindError> {
    let mut ports = Vec::new();
    if config.enable_deprecated_varz_healthz_endpoints {
        ports.push(open(Site::Component, (config.host.as_str(), config.port))?);
    } else if config.enable_nontls_health_checks {
        ports.push(open(Site::Probe, (Ipv4Addr::UNSPECIFIED, config.port))?);
    }
    if let Some(status) = &config.tls {
        let tls = tls::for_probes(status, front.tls.as_ref())?;
        let port = open(Site::ProbeTls, (Ipv4Addr::UNSPECIFIED, status.port))?;
        ports.push(Port {
            tls: Some(tls),
            ..port
        });
    }
    ports.push(open(
        Site::Routes,
        (Ipv4Addr::LOCALHOST, config.routes_port),
    )?);
    if let Some(prometheus) = &config.prometheus {
        let tls = prometheus.tls.as_ref().map(tls::for_metrics).transpose()?;
        let port = open(Site::Metrics, (Ipv4Addr::LOCALHOST, prometheus.port))?;
        ports.push(Port { tls, ..port });
    }
    let credentials = Credentials::new(&config.user, config.pass.reveal());
    Ok(AdminListeners { ports, credentials })
}

impl AdminListeners {
    /// Where plain health is, or the legacy endpoints.
    #[must_use]
    pub fn status(&self) -> Option<SocketAddr> {
        self.address(Site::Probe)
            .or_else(|| self.address(Site::Component))
    }

    /// Where health over TLS is.
    #[must_use]
    pub fn status_tls(&self) -> Option<SocketAddr> {
        self.address(Site::ProbeTls)
    }

    /// Where `/routes` is.
    #[must_use]
    pub fn routes(&self) -> Option<SocketAddr> {
        self.address(Site::Routes)
    }

    /// Where `/metrics` is.
    #[must_use]
    pub fn prometheus(&self) -> Option<SocketAddr> {
        self.address(Site::Metrics)
    }

    fn address(&self, site: Site) -> Option<SocketAddr> {
        self.ports
            .iter()
            .find(|port| port.site == site)
            .map(|port| port.address)
    }
}

fn open<H>(site: Site, (host, port): (H, u16)) -> Result<Port, BindError>
where
    H: std::fmt::Display + Clone,
    (H, u16): ToSocketAddrs,
{
    let listener = TcpListener::bind((host.clone(), port)).and_then(|listener| {
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok(Port {
            site,
            listener,
            address,
            tls: None,
        })
    });
    let address = format!("{host}:{port}");
    listener.map_err(|source| BindError::Port {
        site: site.name(),
        address,
        source,
    })
}
