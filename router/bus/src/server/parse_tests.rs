//! The parser's rules, and the property that it does not matter how bytes are cut up.

use proptest::prelude::*;

use super::*;

const LIMITS: Limits = Limits {
    control_line: 64,
    payload: 32,
};

fn parse(bytes: &[u8]) -> (Vec<Op<'_>>, Option<ProtocolError>) {
    let mut parser = Parser::new(LIMITS);
    let (mut ops, mut at) = (Vec::new(), 0);
    loop {
        match parser.next(&bytes[at..]) {
            Ok(Some((op, used))) => {
                ops.push(op);
                at += used;
            }
            Ok(None) => return (ops, None),
            Err(error) => return (ops, Some(error)),
        }
    }
}

fn one(bytes: &[u8]) -> Op<'_> {
    let (ops, error) = parse(bytes);
    assert_eq!((ops.len(), error), (1, None));
    ops[0]
}

fn error(bytes: &[u8]) -> ProtocolError {
    parse(bytes).1.unwrap()
}

#[test]
fn every_operation_is_understood() {
    assert_eq!(one(b"CONNECT {\"a\":1}\r\n"), Op::Connect(b" {\"a\":1}"));
    assert_eq!(one(b"PING\r\n"), Op::Ping);
    assert_eq!(one(b"pong\r\n"), Op::Pong);
    let subscribe = Op::Subscribe {
        subject: b"a.*",
        queue: None,
        sid: b"7",
    };
    assert_eq!(one(b"SUB a.* 7\r\n"), subscribe);
    let subscribe = Op::Subscribe {
        subject: b"a",
        queue: Some(b"q"),
        sid: b"7",
    };
    assert_eq!(one(b"sub \ta  q\t7 \r\n"), subscribe);
    assert_eq!(
        one(b"UNSUB 7\r\n"),
        Op::Unsubscribe {
            sid: b"7",
            max: None
        }
    );
    assert_eq!(
        one(b"UNSUB 7 3\r\n"),
        Op::Unsubscribe {
            sid: b"7",
            max: Some(3)
        }
    );
    assert_eq!(
        one(b"UNSUB 7 x\r\n"),
        Op::Unsubscribe {
            sid: b"7",
            max: None
        }
    );
}

#[test]
fn a_publication_has_its_payload_and_may_have_a_reply_and_headers() {
    let plain = Publication {
        subject: b"a",
        reply: None,
        header_bytes: None,
        payload: b"\r\nx",
    };
    assert_eq!(one(b"PUB a 3\r\n\r\nx\r\n"), Op::Publish(plain));
    let reply = Publication {
        reply: Some(b"r"),
        payload: b"",
        ..plain
    };
    assert_eq!(one(b"PUB a r 0\r\n\r\n"), Op::Publish(reply));
    let headers = Publication {
        header_bytes: Some(2),
        payload: b"hhx",
        ..plain
    };
    assert_eq!(one(b"HPUB a 2 3\r\nhhx\r\n"), Op::Publish(headers));
    let both = Publication {
        reply: Some(b"r"),
        ..headers
    };
    assert_eq!(one(b"HPUB a r 2 3\r\nhhx\r\n"), Op::Publish(both));
}

#[test]
fn a_line_may_end_with_a_line_feed_alone_but_a_payload_may_not() {
    assert_eq!(one(b"PING\n"), Op::Ping);
    assert_eq!(error(b"PUB a 1\nx\n"), ProtocolError::Unknown);
    assert_eq!(error(b"PUB a 1\r\nx\rPING"), ProtocolError::Unknown);
}

#[test]
fn nonsense_is_refused() {
    for unknown in [
        "FOO\r\n",
        "\r\n",
        "PIN\r\n",
        "SUBa 1\r\n",
        "UNSUB\r\n",
        "MSG a 1 0\r\n\r\n",
    ] {
        assert_eq!(
            error(unknown.as_bytes()),
            ProtocolError::Unknown,
            "{unknown}"
        );
    }
    for wrong in [
        "PUB a\r\n",
        "PUB a b c 1\r\n",
        "PUB a -1\r\n",
        "PUB a x\r\n",
        "PUB a 1234567890\r\n",
        "HPUB a 1\r\n",
        "HPUB a 3 2\r\n",
        "HPUB a b c 1 2\r\n",
        "SUB a\r\n",
        "SUB a b c d\r\n",
        "SUB  \r\n",
        "UNSUB 1 2 3\r\n",
    ] {
        assert_eq!(error(wrong.as_bytes()), ProtocolError::Arguments, "{wrong}");
    }
}

#[test]
fn a_payload_over_the_limit_is_refused_before_it_arrives() {
    assert_eq!(error(b"PUB a 33\r\n"), ProtocolError::Payload);
    assert_eq!(error(b"HPUB a 1 33\r\n"), ProtocolError::Payload);
}

#[test]
fn a_line_over_the_limit_is_refused_before_it_ends() {
    assert_eq!(
        error(&[b"SUB ".as_slice(), &[b'a'; 61]].concat()),
        ProtocolError::ControlLine
    );
    assert_eq!(error(&[b'a'; 65]), ProtocolError::Unknown);
    assert_eq!(
        parse(&[b"SUB ".as_slice(), &[b'a'; 60]].concat()),
        (vec![], None)
    );
}

#[test]
fn the_parser_says_how_much_it_wants() {
    let mut parser = Parser::new(LIMITS);
    assert_eq!(parser.next(b"PUB a 9\r\n123"), Ok(None));
    assert_eq!(parser.wanted(), b"PUB a 9\r\n123456789\r".len());
}

/// Bytes that look like the protocol more often than chance would have it.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => Just(b"PING\r\n".to_vec()),
        4 => Just(b"SUB a.> q 1\r\n".to_vec()),
        4 => Just(b"UNSUB 1 5\r\n".to_vec()),
        4 => Just(b"CONNECT {}\r\n".to_vec()),
        8 => ("[a-z.]{1,8}", prop::collection::vec(any::<u8>(), 0..40)).prop_map(|(subject, body)| {
            [format!("PUB {subject} {}\r\n", body.len()).as_bytes(), &body, b"\r\n"].concat()
        }),
        4 => ("[a-z.]{1,8}", prop::collection::vec(any::<u8>(), 0..20)).prop_map(|(subject, body)| {
            let line = format!("HPUB {subject} r {} {}\r\n", body.len() / 2, body.len());
            [line.as_bytes(), &body, b"\r\n"].concat()
        }),
        1 => prop::collection::vec(any::<u8>(), 0..80),
        1 => "(PUB|SUB|HPUB|PI|CONNECT)[ a-z0-9\r\n]{0,70}".prop_map(String::into_bytes),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_split_gives_the_same_operations(
        bytes in stream(),
        cuts in prop::collection::vec(1_usize..20, 1..40),
    ) {
        split_invariance(&bytes, &cuts, LIMITS);
    }

    #[test]
    fn one_byte_at_a_time_gives_the_same_operations(bytes in stream()) {
        split_invariance(&bytes, &[1], LIMITS);
    }
}
