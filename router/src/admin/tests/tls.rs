//! The status ports inside TLS.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair as RcgenPair};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};

use crate::config::{AdminConfig, KeyPair, PrometheusConfig, PrometheusTls, StatusTls};

use super::desk::{Desk, config};

type Authority = CertifiedIssuer<'static, RcgenPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, RcgenPair::generate().unwrap()).unwrap()
}

/// A certificate for `localhost` and its key, in PEM.
fn issued(authority: &Authority) -> (String, String) {
    let key = RcgenPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".into()]).unwrap();
    (
        params.signed_by(&key, authority).unwrap().pem(),
        key.serialize_pem(),
    )
}

fn der(pem: &(String, String)) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
    use rustls_pki_types::pem::PemObject;
    let chain = CertificateDer::from_pem_slice(pem.0.as_bytes()).unwrap();
    (
        vec![chain],
        PrivateKeyDer::from_pem_slice(pem.1.as_bytes()).unwrap(),
    )
}

/// GETs a path as a client that trusts `authority`, and may show a certificate of its own.
fn get(
    port: SocketAddr,
    path: &str,
    authority: &Authority,
    own: Option<&(String, String)>,
) -> std::io::Result<String> {
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    let builder = ClientConfig::builder_with_provider(aws_lc_rs::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match own.map(der) {
        Some((chain, key)) => builder.with_client_auth_cert(chain, key).unwrap(),
        None => builder.with_no_client_auth(),
    };
    let name = ServerName::try_from("localhost").unwrap();
    let tls = ClientConnection::new(Arc::new(config), name).unwrap();
    let socket = TcpStream::connect(port)?;
    socket.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut stream = StreamOwned::new(tls, socket);
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    )?;
    let mut response = String::new();
    stream.read_to_string(&mut response)?;
    Ok(response)
}

#[test]
fn health_is_served_over_tls_beside_the_plain_port() {
    let authority = authority();
    let (cert_chain, private_key) = der(&issued(&authority));
    let key_pair = KeyPair {
        cert_chain,
        private_key: Arc::new(private_key),
    };
    let tls = Some(StatusTls { port: 0, key_pair });
    let desk = Desk::open(&AdminConfig { tls, ..config() });
    desk.state.health.warmed_up();
    let response = get(desk.status_tls.unwrap(), "/health", &authority, None).unwrap();
    assert!(response.starts_with("HTTP/1.1 200 OK\r\n") && response.ends_with("\r\n\r\nok\n"));
}

#[test]
fn metrics_over_mutual_tls_refuse_clients_without_a_certificate() {
    let authority = authority();
    let dir = tempfile::tempdir().unwrap();
    let (cert, key) = issued(&authority);
    let files = [
        ("cert.pem", cert),
        ("key.pem", key),
        ("ca.pem", authority.pem()),
    ];
    for (name, pem) in files {
        std::fs::write(dir.path().join(name), pem).unwrap();
    }
    let tls = Some(PrometheusTls {
        cert_path: dir.path().join("cert.pem"),
        key_path: dir.path().join("key.pem"),
        ca_path: dir.path().join("ca.pem"),
    });
    let prometheus = Some(PrometheusConfig { port: 0, tls });
    let desk = Desk::open(&AdminConfig {
        prometheus,
        ..config()
    });
    assert!(get(desk.prometheus, "/metrics", &authority, None).is_err());
    let client = issued(&authority);
    let scrape = get(desk.prometheus, "/metrics", &authority, Some(&client)).unwrap();
    assert!(scrape.contains("\ntotal_routes 0\n"));
}

#[test]
fn a_missing_certificate_file_is_named() {
    let path = std::path::PathBuf::from("/nowhere/ca.pem");
    let tls = PrometheusTls {
        cert_path: path.clone(),
        key_path: path.clone(),
        ca_path: path,
    };
    let prometheus = Some(PrometheusConfig {
        port: 0,
        tls: Some(tls),
    });
    let config = AdminConfig {
        prometheus,
        ..config()
    };
    let error = crate::admin::bind(&config, &crate::config::ListenConfig::default());
    assert_eq!(
        error.unwrap_err().to_string(),
        "cannot read /nowhere/ca.pem"
    );
}
