//! The front's TLS: one certificate, and the protocol that ALPN agrees on.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use rustls::crypto::CryptoProvider;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::config::{ClientCertValidation, TlsConfig, TlsVersion};
use crate::core::Timer;

/// How long a handshake may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// What answers handshakes.
#[derive(Clone)]
pub struct FrontTls(TlsAcceptor);

impl std::fmt::Debug for FrontTls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FrontTls")
    }
}

/// What the two ends agreed to speak.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Spoken {
    Http1,
    Http2,
}

/// Whether HTTP/2 is offered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Http2 {
    /// `enable_http2: true`
    Offered,
    /// `enable_http2: false`
    Withheld,
}

impl FrontTls {
    /// Answers with the first configured certificate.
    ///
    /// # Errors
    ///
    /// Fails when the certificate or its key cannot be used.
    pub fn new(config: &TlsConfig, http2: Http2) -> Result<Self, rustls::Error> {
        let mut provider = rustls::crypto::aws_lc_rs::default_provider();
        provider.cipher_suites.clone_from(&config.cipher_suites);
        let versions: Vec<_> = [
            (TlsVersion::V1_2, &rustls::version::TLS12),
            (TlsVersion::V1_3, &rustls::version::TLS13),
        ]
        .into_iter()
        .filter(|(version, _)| (config.min_tls_version..=config.max_tls_version).contains(version))
        .map(|(_, version)| version)
        .collect();
        let pair = config
            .tls_pem
            .first()
            .ok_or_else(|| rustls::Error::General("no certificate".into()))?;
        let provider = Arc::new(provider);
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&versions)?;
        let builder = match client_verifier(config, provider)? {
            Some(verifier) => builder.with_client_cert_verifier(verifier),
            None => builder.with_no_client_auth(),
        };
        let mut server =
            builder.with_single_cert(pair.cert_chain.clone(), pair.private_key.clone_key())?;
        server.alpn_protocols = match http2 {
            Http2::Offered => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
            Http2::Withheld => vec![b"http/1.1".to_vec()],
        };
        Ok(Self(TlsAcceptor::from(Arc::new(server))))
    }

    /// Shakes hands, in time or not at all.
    pub(super) async fn handshake(
        &self,
        socket: TcpStream,
        timer: &Timer,
    ) -> Option<(TlsStream<TcpStream>, Spoken)> {
        timer.arm(Some(HANDSHAKE_TIMEOUT));
        let mut shaking = pin!(self.0.accept(socket));
        let stream = std::future::poll_fn(|cx| match shaking.as_mut().poll(cx) {
            Poll::Ready(stream) => Poll::Ready(stream.ok()),
            Poll::Pending => timer.poll_expired(cx).map(|()| None),
        })
        .await?;
        let spoken = match stream.get_ref().1.alpn_protocol() {
            Some(b"h2") => Spoken::Http2,
            _ => Spoken::Http1,
        };
        Some((stream, spoken))
    }
}

/// Who judges client certificates, where they are asked for.
fn client_verifier(
    config: &TlsConfig,
    provider: Arc<CryptoProvider>,
) -> Result<Option<Arc<dyn ClientCertVerifier>>, rustls::Error> {
    if config.client_cert_validation == ClientCertValidation::None {
        return Ok(None);
    }
    let mut roots = RootCertStore::empty();
    for authority in &config.client_ca_certs {
        roots.add(authority.clone())?;
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    let builder = match config.client_cert_validation {
        ClientCertValidation::Request => builder.allow_unauthenticated(),
        ClientCertValidation::None | ClientCertValidation::Require => builder,
    };
    let verifier = builder
        .build()
        .map_err(|error| rustls::Error::General(format!("client_ca_certs: {error}")))?;
    Ok(Some(verifier))
}
