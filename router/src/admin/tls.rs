//! TLS of the status ports.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion, version};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::config::{PrometheusTls, StatusTls, TlsConfig, TlsVersion};

use super::bind::BindError;
use super::site::Site;

/// Health over TLS: the front's ciphers and versions, nobody is asked for a certificate.
pub(super) fn for_probes(
    status: &StatusTls,
    front: Option<&TlsConfig>,
) -> Result<Arc<ServerConfig>, BindError> {
    let mut provider = aws_lc_rs::default_provider();
    let mut versions = vec![&version::TLS12, &version::TLS13];
    if let Some(front) = front {
        provider.cipher_suites.clone_from(&front.cipher_suites);
        versions.retain(|version| serves(front, version));
    }
    let fault = |source| BindError::Tls {
        site: Site::ProbeTls.name(),
        source,
    };
    let builder = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&versions)
        .map_err(fault)?
        .with_no_client_auth();
    let chain = status.key_pair.cert_chain.clone();
    let config = builder.with_single_cert(chain, status.key_pair.private_key.clone_key());
    config.map(Arc::new).map_err(fault)
}

fn serves(front: &TlsConfig, version: &SupportedProtocolVersion) -> bool {
    let version = match version.version {
        rustls::ProtocolVersion::TLSv1_3 => TlsVersion::V1_3,
        _ => TlsVersion::V1_2,
    };
    (front.min_tls_version..=front.max_tls_version).contains(&version)
}

/// Metrics over mutual TLS.
pub(super) fn for_metrics(files: &PrometheusTls) -> Result<Arc<ServerConfig>, BindError> {
    let site = Site::Metrics.name();
    let fault = |source| BindError::Tls { site, source };
    let provider: Arc<CryptoProvider> = aws_lc_rs::default_provider().into();
    let mut roots = RootCertStore::empty();
    for authority in certificates(&files.ca_path)? {
        roots.add(authority).map_err(fault)?;
    }
    let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::clone(&provider))
        .build()
        .map_err(|source| BindError::Verifier { site, source })?;
    let chain = certificates(&files.cert_path)?;
    let key = PrivateKeyDer::from_pem_file(&files.key_path);
    let key = key.map_err(|source| BindError::Pem {
        path: files.key_path.clone(),
        source,
    })?;
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(fault)?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key);
    config.map(Arc::new).map_err(fault)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, BindError> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    read.map_err(|source| BindError::Pem {
        path: path.to_owned(),
        source,
    })
}
