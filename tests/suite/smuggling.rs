//! Byte-position families around the framing fields: nothing ambiguous ever reaches an endpoint.

use harness::endpoint::Endpoint;
use harness::oracle::{Fault, Framing, Message};
use harness::stage::{HOST, Stage};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Every byte that is no visible ASCII: what parsers disagree about.
fn odd_bytes() -> impl Iterator<Item = u8> {
    (0x00..=0x20).chain(0x7f..=0xff)
}

/// Where in `Name: value` the byte goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Position {
    BeforeName,
    WithinName,
    AfterName,
    AfterColon,
    WithinValue,
    AfterValue,
}

const POSITIONS: [Position; 6] = [
    Position::BeforeName,
    Position::WithinName,
    Position::AfterName,
    Position::AfterColon,
    Position::WithinValue,
    Position::AfterValue,
];

fn with_byte(position: Position, byte: u8, name: &str, value: &str) -> Vec<u8> {
    let (name_mid, value_mid) = (name.len() / 2, value.len() / 2);
    let parts = match position {
        Position::BeforeName => ("", format!("{name}: {value}")),
        Position::WithinName => (&name[..name_mid], format!("{}: {value}", &name[name_mid..])),
        Position::AfterName => (name, format!(": {value}")),
        Position::AfterColon => (name, value.to_owned()),
        Position::WithinValue => (name, value[value_mid..].to_owned()),
        Position::AfterValue => (name, String::new()),
    };
    let mut line = parts.0.as_bytes().to_vec();
    match position {
        Position::AfterColon => line.push(b':'),
        Position::WithinValue => {
            line.extend_from_slice(format!(": {}", &value[..value_mid]).as_bytes())
        }
        Position::AfterValue => line.extend_from_slice(format!(": {value}").as_bytes()),
        _ => {}
    }
    line.push(byte);
    line.extend_from_slice(parts.1.as_bytes());
    line.extend_from_slice(b"\r\n");
    line
}

/// Optional blanks around a value are the only odd bytes that mean nothing.
fn is_harmless(position: Position, byte: u8) -> bool {
    matches!(position, Position::AfterColon | Position::AfterValue) && matches!(byte, b' ' | b'\t')
}

/// Sends every member of a family; gives what the router did that it must not do.
fn violations(family: &Family) -> Vec<String> {
    let stage = Stage::with(Endpoint::saying("hello"));
    let (mut wrong, mut served) = (Vec::new(), 0);
    for position in POSITIONS {
        for byte in odd_bytes() {
            let line = with_byte(position, byte, family.name, family.value);
            let mut raw =
                format!("POST /x HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n").into_bytes();
            raw.extend_from_slice(&line);
            raw.extend_from_slice(format!("{}\r\n{}", family.further, family.body).as_bytes());
            let mut client = stage.client();
            client.send(&raw);
            let passes = family.harmless == Harmless::Served && is_harmless(position, byte);
            match client.try_response() {
                Ok(answer) if answer.status() == 200 && passes => served += 1,
                Ok(answer) if matches!(answer.status(), 400 | 501) && !passes => {
                    client.expect_closed()
                }
                other => wrong.push(format!("{byte:#04x} {position:?}: {}", outcome(&other))),
            }
        }
    }
    let heard = stage.endpoint.requests();
    let meant = |one: &&Message| one.body == b"hello" && one.framing == family.framing;
    let as_meant = heard.iter().filter(meant).count();
    if (heard.len(), as_meant) != (served, served) {
        wrong.push(format!(
            "{} requests arrived, {as_meant} as meant, {served} were answered",
            heard.len()
        ));
    }
    wrong
}

fn outcome(answer: &Result<Message, Fault>) -> String {
    match answer {
        Ok(answer) => answer.start.clone(),
        Err(fault) => format!("{fault:?}"),
    }
}

struct Family {
    name: &'static str,
    value: &'static str,
    further: &'static str,
    body: &'static str,
    framing: Framing,
    harmless: Harmless,
}

/// What becomes of the members whose odd byte is an optional blank.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Harmless {
    Served,
    Refused,
}

fn expect_none(wrong: &[String]) {
    assert!(
        wrong.is_empty(),
        "{} violations:\n  {}",
        wrong.len(),
        wrong.join("\n  ")
    );
}

#[test]
fn transfer_encoding_with_an_odd_byte_anywhere() {
    expect_none(&violations(&Family {
        name: "Transfer-Encoding",
        value: "chunked",
        further: "",
        body: "5\r\nhello\r\n0\r\n\r\n",
        framing: Framing::Chunked,
        harmless: Harmless::Served,
    }));
}

#[test]
fn transfer_encoding_with_an_odd_byte_and_a_length() {
    expect_none(&violations(&Family {
        name: "Transfer-Encoding",
        value: "chunked",
        further: "Content-Length: 15\r\n",
        body: "5\r\nhello\r\n0\r\n\r\n",
        framing: Framing::Nothing,
        harmless: Harmless::Refused,
    }));
}

#[test]
fn content_length_with_an_odd_byte_anywhere() {
    expect_none(&violations(&Family {
        name: "Content-Length",
        value: "05",
        further: "",
        body: "hello",
        framing: Framing::Length(5),
        harmless: Harmless::Served,
    }));
}

#[test]
fn content_length_with_an_odd_byte_and_chunked() {
    expect_none(&violations(&Family {
        name: "Content-Length",
        value: "15",
        further: "Transfer-Encoding: chunked\r\n",
        body: "5\r\nhello\r\n0\r\n\r\n",
        framing: Framing::Nothing,
        harmless: Harmless::Refused,
    }));
}

#[test]
fn a_chunk_size_with_an_odd_byte_before_or_after_it() {
    let stage = Stage::with(Endpoint::saying("hello"));
    let mut wrong = Vec::new();
    for byte in odd_bytes() {
        for before in [true, false] {
            let mut raw =
                format!("POST /x HTTP/1.1\r\nHost: {HOST}\r\nTransfer-Encoding: chunked\r\n\r\n")
                    .into_bytes();
            let (front, end): (&[u8], &[u8]) = if before {
                (&[byte], b"5")
            } else {
                (b"5", &[byte])
            };
            raw.extend_from_slice(&[front, end, b"\r\nhello\r\n0\r\n\r\n"].concat());
            let mut client = stage.client();
            client.send(&raw);
            match client.try_response() {
                Ok(answer) if answer.status() == 400 => client.expect_closed(),
                other => wrong.push(format!("{byte:#04x} before: {before}: {}", outcome(&other))),
            }
        }
    }
    assert!(
        stage.endpoint.requests().is_empty(),
        "{:#?}",
        stage.endpoint.requests()
    );
    expect_none(&wrong);
}

#[test]
fn mutated_requests_never_arrive_ambiguous() {
    const SEEDS: [&str; 4] = [
        "POST /x HTTP/1.1\r\nHost: a.example.com\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "POST /x HTTP/1.1\r\nHost: a.example.com\r\nContent-Length: 5\r\n\r\nhello",
        "GET /x?y HTTP/1.1\r\nHost: a.example.com\r\nConnection: X-A\r\nX-A: b\r\n\r\n",
        "GET http://a.example.com/x HTTP/1.1\r\nHost: a.example.com\r\nTE: trailers\r\n\r\n",
    ];
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let stage = Stage::with(Endpoint::saying("hello"));
    for _ in 0..1500 {
        let mut raw = SEEDS[random.random_range(0..SEEDS.len())]
            .as_bytes()
            .to_vec();
        for _ in 0..random.random_range(1..4) {
            mutate(&mut raw, &mut random);
        }
        let mut client = stage.client();
        client.send(&raw);
        client.half_close();
        let (answers, _) = client.rest();
        // One message went in: two final answers would mean that it was read as two.
        let finals = String::from_utf8_lossy(&answers)
            .matches("HTTP/1.1 200")
            .count();
        let requests = raw.windows(5).filter(|window| window == b"HTTP/").count();
        assert!(
            finals <= requests,
            "seed {seed}: {:?}",
            String::from_utf8_lossy(&raw)
        );
        for verdict in stage.endpoint.judged() {
            if let Err(Fault::Ambiguous(why)) = verdict {
                panic!(
                    "seed {seed}: {:?} arrived as {why}",
                    String::from_utf8_lossy(&raw)
                );
            }
        }
        stage.endpoint.forget();
    }
}

fn mutate(raw: &mut Vec<u8>, random: &mut StdRng) {
    const PIECES: [&[u8]; 12] = [
        b"\r\n",
        b"\n",
        b"\r",
        b" ",
        b"\t",
        b"\0",
        b":",
        b",",
        b"Transfer-Encoding: chunked\r\n",
        b"Content-Length: 3\r\n",
        b"0\r\n\r\n",
        b"\x0b",
    ];
    let at = random.random_range(0..raw.len());
    match random.random_range(0..4) {
        0 => drop(raw.remove(at)),
        1 => raw[at] = random.random(),
        2 => raw.insert(at, random.random()),
        _ => {
            let piece = PIECES[random.random_range(0..PIECES.len())];
            raw.splice(at..at, piece.iter().copied());
        }
    }
}
