//! The HTTPS port: the same walk behind TLS, on either wire.

use std::io::{Read, Write};
use std::sync::Arc;

use bytes::Bytes;
use harness::certs::Authority;
use harness::endpoint::Endpoint;
use harness::oracle::{Asked, Message, Oracle};
use harness::stage::{HOST, Stage};
use rustls::pki_types::ServerName;
use serde_json::Value;
use tokio::runtime;

struct Cast {
    stage: Stage,
    authority: Authority,
}

fn cast_with(endpoint: Endpoint, further: &[(&str, Value)]) -> Cast {
    let authority = Authority::new();
    let mut settings = authority.settings(HOST);
    for (key, value) in further {
        settings[*key] = value.clone();
    }
    Cast {
        stage: Stage::configured(endpoint, &settings),
        authority,
    }
}

fn cast() -> Cast {
    cast_with(Endpoint::saying("hello"), &[])
}

impl Cast {
    fn over_h1(&self, raw: &str) -> Message {
        let port = self.stage.router.https.expect("HTTPS is on");
        let mut stream = self.authority.connect(port, HOST, &["http/1.1"]);
        stream.write_all(raw.as_bytes()).unwrap();
        Oracle::new(stream).response(Asked::Other).unwrap()
    }

    /// Sends one request on an HTTP/2 connection of its own; gives the head and the body.
    fn over_h2(
        &self,
        request: http::Request<()>,
        body: &'static [u8],
    ) -> (http::response::Parts, Vec<u8>) {
        let port = self.stage.router.https.expect("HTTPS is on");
        let config = self.authority.client(&["h2"]);
        let exchange = async move {
            let socket = tokio::net::TcpStream::connect(port).await.unwrap();
            let connector = tokio_rustls::TlsConnector::from(Arc::clone(&config));
            let tls = connector
                .connect(ServerName::try_from(HOST).unwrap(), socket)
                .await
                .unwrap();
            assert_eq!(tls.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
            let (mut client, connection) = h2::client::handshake(tls).await.unwrap();
            tokio::spawn(connection);
            let (answer, mut stream) = client.send_request(request, body.is_empty()).unwrap();
            if !body.is_empty() {
                stream.send_data(Bytes::from_static(body), true).unwrap();
            }
            let (head, mut flow) = answer.await.unwrap().into_parts();
            let mut bytes = Vec::new();
            while let Some(piece) = flow.data().await {
                let piece = piece.unwrap();
                flow.flow_control().release_capacity(piece.len()).unwrap();
                bytes.extend_from_slice(&piece);
            }
            (head, bytes)
        };
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let bounded = async { tokio::time::timeout(harness::wait::DEADLINE, exchange).await };
        runtime.block_on(bounded).expect("an answer in time")
    }
}

fn get(path: &str) -> http::Request<()> {
    http::Request::get(format!("https://{HOST}{path}"))
        .body(())
        .unwrap()
}

#[test]
fn http_1_over_tls_takes_the_same_walk() {
    let cast = cast();
    let answer = cast.over_h1(&format!("GET /x?y HTTP/1.1\r\nHost: {HOST}\r\n\r\n"));
    assert_eq!((answer.status(), answer.text().as_str()), (200, "hello"));
    let request = &cast.stage.heard()[0];
    assert_eq!(
        (request.target(), request.field("x-forwarded-proto")),
        ("/x?y", Some("https"))
    );
}

#[test]
fn framing_is_as_strict_behind_tls() {
    let cast = cast();
    let raw = format!(
        "POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    );
    assert_eq!(cast.over_h1(&raw).status(), 400);
    assert!(cast.stage.heard().is_empty());
}

#[test]
fn http_2_becomes_http_1_for_the_endpoint() {
    let cast = cast();
    let (head, body) = cast.over_h2(get("/x?y=z"), b"");
    assert_eq!(
        (head.status.as_u16(), body.as_slice()),
        (200, &b"hello"[..])
    );
    assert!(head.headers.contains_key("x-vcap-request-id"));
    let request = &cast.stage.heard()[0];
    assert_eq!(
        (request.target(), request.field("host")),
        ("/x?y=z", Some(HOST))
    );
    assert_eq!(request.field("x-forwarded-proto"), Some("https"));
    assert_eq!(request.field("x-forwarded-for"), Some("127.0.0.1"));
}

#[test]
fn a_body_over_http_2_arrives_whole() {
    static BODY: [u8; 300_000] = [7; 300_000];
    let cast = cast();
    let request = http::Request::post(format!("https://{HOST}/x"))
        .body(())
        .unwrap();
    let (head, _) = cast.over_h2(request, &BODY);
    assert_eq!(head.status, 200);
    assert!(cast.stage.heard()[0].body == BODY);
}

#[test]
fn a_large_answer_over_http_2_arrives_whole() {
    let body = vec![b'x'; 3 << 20];
    let raw = [
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes(),
        &body,
    ]
    .concat();
    let cast = cast_with(Endpoint::answering(raw), &[]);
    assert!(cast.over_h2(get("/x"), b"").1 == body);
}

#[test]
fn refusals_are_the_same_over_http_2() {
    let cast = cast();
    let request = http::Request::get("https://unknown.org/x")
        .body(())
        .unwrap();
    let (head, body) = cast.over_h2(request, b"");
    assert_eq!(head.status, 404);
    assert_eq!(head.headers["x-cf-routererror"], "unknown_route");
    assert_eq!(
        body,
        b"404 Not Found: Requested route ('unknown.org') does not exist.\n"
    );
}

#[test]
fn fields_of_one_connection_are_no_fields_of_http_2() {
    let cast = cast_with(
        Endpoint::answering(
            "HTTP/1.1 200 OK\r\nConnection: X-A\r\nX-A: 1\r\nKeep-Alive: timeout=1\r\nContent-Length: 0\r\n\r\n",
        ),
        &[],
    );
    let (head, _) = cast.over_h2(get("/x"), b"");
    for name in ["connection", "x-a", "keep-alive", "transfer-encoding"] {
        assert!(!head.headers.contains_key(name), "{name}");
    }
}

#[test]
fn without_enable_http2_only_http_1_is_spoken() {
    let cast = cast_with(
        Endpoint::saying("hello"),
        &[("enable_http2", Value::Bool(false))],
    );
    let port = cast.stage.router.https.unwrap();
    let mut stream = cast.authority.connect(port, HOST, &["h2", "http/1.1"]);
    stream
        .write_all(format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n").as_bytes())
        .unwrap();
    assert_eq!(stream.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
    assert_eq!(
        Oracle::new(stream).response(Asked::Other).unwrap().status(),
        200
    );
}

#[test]
fn a_client_in_the_clear_gets_nowhere_on_the_tls_port() {
    let cast = cast();
    let mut client = harness::client::Client::connect(cast.stage.router.https.unwrap());
    client.get(HOST, "/x");
    let (rest, how) = client.rest();
    assert_ne!(how, Err(harness::oracle::Fault::Timeout));
    assert!(!String::from_utf8_lossy(&rest).contains("200 OK"));
    assert!(cast.stage.heard().is_empty());
}

#[test]
fn a_required_client_certificate_is_required() {
    let authority = Authority::new();
    let mut settings = authority.settings(HOST);
    settings["client_cert_validation"] = "require".into();
    settings["client_ca_certs"] = authority.pem().into();
    let stage = Stage::configured(Endpoint::saying("hello"), &settings);
    let port = stage.router.https.expect("HTTPS is on");
    let mut stream = authority.connect(port, HOST, &["http/1.1"]);
    let request = format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    let mut answer = Vec::new();
    let refused = stream
        .write_all(request.as_bytes())
        .and_then(|()| stream.read_to_end(&mut answer));
    assert!(refused.is_err(), "served without a certificate");
    assert!(answer.is_empty() && stage.heard().is_empty());
}
