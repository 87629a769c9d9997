//! What a connection is made with.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// Servers, credentials and limits of a connection (gorouter 1.7).
#[derive(Clone)]
pub struct BusOptions {
    /// All servers of the cluster; they are tried in random order.
    pub servers: Vec<ServerAddr>,
    /// User; empty for none.
    pub user: String,
    /// Password; empty for none.
    pub password: String,
    /// Token, if the servers want one instead of user and password.
    pub token: Option<String>,
    /// TLS, if the servers want it.
    pub tls: Option<BusTls>,
    /// Name that the server shows in its monitoring.
    pub name: String,
    /// How often the server is asked for a sign of life; two missed ones end the connection.
    pub ping_interval: Duration,
    /// How long one server may take to accept us.
    pub dial_timeout: Duration,
    /// How often all servers are tried before the start is given up.
    pub connect_tries: u32,
    /// Pause between these tries.
    pub connect_wait: Duration,
    /// Longest pause between two rounds of reconnecting.
    pub reconnect_wait: Duration,
    /// How long publishing, flushing and subscribing may wait for a connection that is away.
    pub request_timeout: Duration,
    /// Messages that one subscription may hold before it drops more.
    pub pending_messages: usize,
    /// Bytes of payload that one subscription may hold before it drops more.
    pub pending_bytes: usize,
}

/// gorouter's values, without any server.
impl Default for BusOptions {
    fn default() -> Self {
        Self {
            servers: Vec::new(),
            user: String::new(),
            password: String::new(),
            token: None,
            tls: None,
            name: String::new(),
            ping_interval: Duration::from_secs(20),
            dial_timeout: Duration::from_secs(2),
            connect_tries: 3,
            connect_wait: Duration::from_millis(100),
            reconnect_wait: Duration::from_secs(2),
            request_timeout: Duration::from_secs(5),
            pending_messages: 131_072,
            pending_bytes: 131_072 * 1024,
        }
    }
}

/// Where a server listens.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct ServerAddr {
    /// Host name or IP address; with TLS, also the name that its certificate must carry.
    pub host: String,
    /// Port.
    pub port: u16,
}

/// How servers are trusted, and how we are.
#[derive(Clone)]
pub struct BusTls {
    /// Certificates of the authorities that vouch for the servers.
    pub ca_certs: Vec<CertificateDer<'static>>,
    /// Our own certificate, where the servers ask for one.
    pub identity: Option<BusIdentity>,
}

/// Who we are, to a server that asks.
#[derive(Clone)]
pub struct BusIdentity {
    /// Our certificate, and those between it and the authority.
    pub cert_chain: Vec<CertificateDer<'static>>,
    /// Its private key.
    pub private_key: Arc<PrivateKeyDer<'static>>,
}

impl From<std::net::SocketAddr> for ServerAddr {
    fn from(addr: std::net::SocketAddr) -> Self {
        Self {
            host: addr.ip().to_string(),
            port: addr.port(),
        }
    }
}

impl fmt::Display for ServerAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') && !host.starts_with('[') {
            return write!(f, "[{host}]:{port}");
        }
        write!(f, "{host}:{port}")
    }
}

/// Secrets stay out of logs.
impl fmt::Debug for BusOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BusOptions")
            .field("servers", &self.servers)
            .field("user", &self.user)
            .field("tls", &self.tls.is_some())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for BusTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BusTls")
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for BusIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BusIdentity").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_address_is_bracketed_once() {
        for (host, shown) in [
            ("::1", "[::1]:4222"),
            ("[::1]", "[::1]:4222"),
            ("a.b", "a.b:4222"),
        ] {
            assert_eq!(
                ServerAddr {
                    host: host.into(),
                    port: 4222
                }
                .to_string(),
                shown
            );
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let identity = BusIdentity {
            cert_chain: vec![b"c".to_vec().into()],
            private_key: Arc::new(PrivateKeyDer::Pkcs8(b"hush".to_vec().into())),
        };
        let tls = BusTls {
            ca_certs: Vec::new(),
            identity: Some(identity),
        };
        let options = BusOptions {
            password: "hush".into(),
            tls: Some(tls.clone()),
            ..BusOptions::default()
        };
        assert!(!format!("{options:?}{tls:?}").contains("hush"));
    }
}
