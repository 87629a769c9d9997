//! Who we are to a server, and who it is to us.

#![allow(clippy::unwrap_used, reason = "a test may fail on the spot")]

mod support;

use std::sync::Arc;

use bus::connection::{BusIdentity, BusTls};
use bus::server::{Server, ServerOptions};
use bus::{Bus, BusOptions};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use support::certs::Authority;
use support::nats::NatsServer;
use support::seat::options;

#[tokio::test]
async fn credentials_are_sent_and_wrong_ones_named() {
    let Some(real) = NatsServer::start(&["--user", "nats", "--pass", "secret"]) else {
        return;
    };
    let locked = ServerOptions {
        user: Some("nats".into()),
        password: Some("secret".into()),
        ..ServerOptions::default()
    };
    let ours = Server::start(locked).await.unwrap();
    for addr in [real.addr(), ours.addr()] {
        let right = BusOptions {
            user: "nats".into(),
            password: "secret".into(),
            ..options(&[addr])
        };
        assert!(Bus::connect(right.clone()).await.unwrap().is_connected());
        let wrong = BusOptions {
            password: "guess".into(),
            ..right
        };
        let error = Bus::connect(wrong).await.unwrap_err();
        let expected =
            format!("no NATS server can be used: {addr}: the server refuses the credentials");
        assert_eq!(error.to_string(), expected);
    }
}

#[tokio::test]
async fn a_token_is_sent() {
    let Some(server) = NatsServer::start(&["--auth", "t0ken"]) else {
        return;
    };
    let right = BusOptions {
        token: Some("t0ken".into()),
        ..options(&[server.addr()])
    };
    assert!(Bus::connect(right).await.unwrap().is_connected());
    assert!(Bus::connect(options(&[server.addr()])).await.is_err());
}

#[tokio::test]
async fn tls_servers_must_be_vouched_for() {
    let (authority, stranger) = (Authority::new("authority"), Authority::new("stranger"));
    let identity = authority.identity();
    let cert = authority.file("cert.pem", &identity.cert);
    let key = authority.file("key.pem", &identity.key);
    let args = ["--tls", "--tlscert", &cert, "--tlskey", &key];
    let Some(server) = NatsServer::start(&args) else {
        return;
    };
    let with = |ca_certs: &str| BusOptions {
        tls: Some(BusTls {
            ca_certs: certificates(ca_certs),
            identity: None,
        }),
        ..options(&[server.addr()])
    };
    let bus = Bus::connect(with(&authority.pem)).await.unwrap();
    bus.flush().await.unwrap();
    let error = Bus::connect(with(&stranger.pem))
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("invalid peer certificate"), "{error}");
}

#[tokio::test]
async fn tls_servers_may_ask_who_we_are() {
    let authority = Authority::new("authority");
    let identity = authority.identity();
    let ca = authority.file("ca.pem", &authority.pem);
    let cert = authority.file("cert.pem", &identity.cert);
    let key = authority.file("key.pem", &identity.key);
    let args = [
        "--tls",
        "--tlscert",
        &cert,
        "--tlskey",
        &key,
        "--tlsverify",
        "--tlscacert",
        &ca,
    ];
    let Some(server) = NatsServer::start(&args) else {
        return;
    };
    let with = |identity| BusOptions {
        tls: Some(BusTls {
            ca_certs: certificates(&authority.pem),
            identity,
        }),
        ..options(&[server.addr()])
    };
    let own = authority.identity();
    let own = BusIdentity {
        cert_chain: certificates(&own.cert),
        private_key: key_of(&own.key),
    };
    let bus = Bus::connect(with(Some(own))).await.unwrap();
    bus.flush().await.unwrap();
    let error = Bus::connect(with(None)).await.unwrap_err();
    assert!(
        error.to_string().contains(&server.addr().to_string()),
        "{error}"
    );
    let strange = Authority::new("stranger").identity();
    let strange = BusIdentity {
        cert_chain: certificates(&strange.cert),
        private_key: key_of(&strange.key),
    };
    assert!(Bus::connect(with(Some(strange))).await.is_err());
}

fn certificates(pem: &str) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<_, _>>()
        .unwrap()
}

fn key_of(pem: &str) -> Arc<PrivateKeyDer<'static>> {
    Arc::new(PrivateKeyDer::from_pem_slice(pem.as_bytes()).unwrap())
}
