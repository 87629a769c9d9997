//! TLS to the bus servers.

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::{ClientConfig, RootCertStore};

use super::error::ConnectError;
use super::options::{BusIdentity, BusTls};

/// The TLS settings that `tls` asks for.
pub(super) fn client_config(tls: &BusTls) -> Result<ClientConfig, ConnectError> {
    let mut roots = RootCertStore::empty();
    for authority in &tls.ca_certs {
        roots
            .add(authority.clone())
            .map_err(|error| bad("ca_certs", &error))?;
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| bad("protocol versions", &error))?
        .with_root_certificates(roots);
    let Some(BusIdentity {
        cert_chain,
        private_key,
    }) = &tls.identity
    else {
        return Ok(builder.with_no_client_auth());
    };
    builder
        .with_client_auth_cert(cert_chain.clone(), private_key.clone_key())
        .map_err(|error| bad("cert_chain and private_key", &error))
}

/// aws-lc-rs with AES-GCM only.
// compat: gorouter uses the internal-service profile of cf's tlsconfig here (gorouter 1.7).
fn provider() -> CryptoProvider {
    use aws_lc_rs::cipher_suite::{
        TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        TLS13_AES_128_GCM_SHA256, TLS13_AES_256_GCM_SHA384,
    };
    let cipher_suites = vec![
        TLS13_AES_256_GCM_SHA384,
        TLS13_AES_128_GCM_SHA256,
        TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    ];
    CryptoProvider {
        cipher_suites,
        ..aws_lc_rs::default_provider()
    }
}

fn bad(key: &str, error: &dyn std::error::Error) -> ConnectError {
    ConnectError::Tls(format!("{key}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unusable_authority_is_named_by_its_key() {
        let tls = BusTls {
            ca_certs: vec![b"nonsense".to_vec().into()],
            identity: None,
        };
        let error = client_config(&tls).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("NATS TLS settings: ca_certs: "),
            "{error}"
        );
    }
}
