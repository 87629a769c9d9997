//! New connections to endpoints: TCP, and TLS where the endpoint was announced with it.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::ServerName;
use rustls::{CertificateError, ClientConfig, RootCertStore};
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::error::{AttemptError, TlsFailure};
use crate::config::UpstreamConfig;
use crate::core::{Deadline, Timer};
use crate::route::Endpoint;
use crate::wire::Socket;

/// What TLS towards endpoints trusts and shows.
#[derive(Clone)]
pub struct EndpointTls(TlsConnector);

impl std::fmt::Debug for EndpointTls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EndpointTls")
    }
}

impl EndpointTls {
    /// Trusts the configured authorities, and shows the configured client certificate.
    ///
    /// # Errors
    ///
    /// Fails when a certificate or key cannot be used.
    pub fn new(config: &UpstreamConfig) -> Result<Self, rustls::Error> {
        let mut roots = RootCertStore::empty();
        for authority in &config.ca_certs {
            roots.add(authority.clone())?;
        }
        let provider = Arc::new(CryptoProvider {
            cipher_suites: config.cipher_suites.clone(),
            ..rustls::crypto::aws_lc_rs::default_provider()
        });
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots);
        let config = match &config.client {
            Some(pair) => builder
                .with_client_auth_cert(pair.cert_chain.clone(), pair.private_key.clone_key())?,
            None => builder.with_no_client_auth(),
        };
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }
}

/// Runs `work` until it is done or the timer expires.
async fn within<T>(timer: &Timer, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    std::future::poll_fn(|cx| match work.as_mut().poll(cx) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => timer.poll_expired(cx).map(|()| None),
    })
    .await
}

/// Sets the timer to the earlier of `limit` from now and `deadline`.
fn limit(timer: &Timer, limit: Option<Duration>, deadline: Deadline) {
    timer.arm(limit);
    if deadline < timer.deadline() {
        timer.arm_at(deadline);
    }
}

pub(super) async fn connect(
    endpoint: &Endpoint,
    config: &UpstreamConfig,
    tls: &EndpointTls,
    timer: &Timer,
    deadline: Deadline,
) -> Result<Socket, AttemptError> {
    limit(timer, config.endpoint_dial_timeout, deadline);
    let tcp = within(timer, dial(endpoint, config)).await;
    let tcp = match tcp {
        Some(Ok(tcp)) => tcp,
        Some(Err(source)) => {
            return Err(AttemptError::Dial {
                address: endpoint.address().into(),
                source,
            });
        }
        None => {
            return Err(AttemptError::DialTimeout {
                address: endpoint.address().into(),
            });
        }
    };
    let socket = if endpoint.is_tls() {
        limit(timer, config.tls_handshake_timeout, deadline);
        Box::pin(handshake(endpoint, tcp, tls, timer)).await?
    } else {
        Socket::Plain(tcp)
    };
    timer.arm_at(deadline);
    Ok(socket)
}

async fn dial(endpoint: &Endpoint, config: &UpstreamConfig) -> io::Result<TcpStream> {
    let tcp = match endpoint.socket_addr() {
        Some(addr) => TcpStream::connect(addr).await?,
        None => Box::pin(dial_name(endpoint)).await?,
    };
    tcp.set_nodelay(true)?;
    if let Some(interval) = config.endpoint_keep_alive_probe_interval {
        let probes = TcpKeepalive::new()
            .with_time(interval)
            .with_interval(interval);
        SockRef::from(&tcp).set_tcp_keepalive(&probes)?;
    }
    Ok(tcp)
}

/// An endpoint may be announced by name; the system's resolver is asked on a thread of its own.
async fn dial_name(endpoint: &Endpoint) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "lookup: no such host");
    let addresses: Vec<SocketAddr> = tokio::net::lookup_host((endpoint.host(), endpoint.port()))
        .await?
        .collect();
    for addr in addresses {
        match TcpStream::connect(addr).await {
            Ok(tcp) => return Ok(tcp),
            Err(error) => last = error,
        }
    }
    Err(last)
}

async fn handshake(
    endpoint: &Endpoint,
    tcp: TcpStream,
    tls: &EndpointTls,
    timer: &Timer,
) -> Result<Socket, AttemptError> {
    let name = match endpoint.server_cert_domain_san() {
        "" => endpoint.host(),
        san => san,
    };
    let name = ServerName::try_from(name.to_owned())
        .map_err(|_invalid| AttemptError::Tls(TlsFailure::Name))?;
    match within(timer, tls.0.connect(name, tcp)).await {
        Some(Ok(stream)) => Ok(Socket::TlsClient(Box::new(stream))),
        Some(Err(error)) => Err(AttemptError::Tls(failure_of(&error))),
        None => Err(AttemptError::Tls(TlsFailure::Timeout)),
    }
}

fn failure_of(error: &io::Error) -> TlsFailure {
    use rustls::{AlertDescription as Alert, Error};
    match error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<Error>())
    {
        Some(Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        )) => TlsFailure::Name,
        Some(Error::InvalidCertificate(_)) => TlsFailure::Untrusted,
        Some(Error::InvalidMessage(_)) => TlsFailure::NotTls,
        Some(Error::AlertReceived(
            Alert::BadCertificate | Alert::CertificateRequired | Alert::UnknownCA,
        )) => TlsFailure::CertificateRequired,
        _ => TlsFailure::Handshake,
    }
}
