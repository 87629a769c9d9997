//! One set of conversations, held with our server and with Debian's nats-server: what the real one
//! says, ours says too.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may fail on the spot"
)]

mod support;

use std::net::SocketAddr;

use support::both::{Demands, transcript};
use support::conversation::{Conversation, QUIET};

transcript!(info_tells_what_clients_rely_on, |name, addr| {
    let (_conversation, info) = Conversation::open(name, addr).await;
    assert_eq!(info["headers"], true);
    assert_eq!(info["proto"], 1);
    assert_eq!(info["max_payload"], 1 << 20);
    assert_eq!(info["host"], "127.0.0.1");
    assert_eq!(info["port"], addr.port());
    assert_eq!(info["client_ip"], "127.0.0.1");
    assert!(info["client_id"].as_u64().unwrap() > 0);
    assert!(info.get("auth_required").is_none());
});

transcript!(
    a_message_reaches_its_subscribers_and_nobody_else,
    |name, addr| {
        let mut near = Conversation::quiet(name, addr).await;
        let mut far = Conversation::quiet(name, addr).await;
        near.send("SUB router.* 1\r\n").await;
        far.send("SUB router.register 9\r\nSUB router.unregister 10\r\n")
            .await;
        near.sync().await;
        far.sync().await;
        near.send("PUB router.register 5\r\nhello\r\n").await;
        near.expect(&["MSG router.register 1 5", "hello"]).await;
        far.expect(&["MSG router.register 9 5", "hello"]).await;
        far.send("PUB router.start inbox.1 0\r\n\r\n").await;
        near.expect(&["MSG router.start 1 inbox.1 0", ""]).await;
        far.sync().await;
    }
);

transcript!(wildcards_match_one_token_or_the_rest, |name, addr| {
    for (pattern, matching, other) in [
        ("a.*", "a.b", "a.b.c"),
        ("a.*", "a.b", "a"),
        ("*.b", "a.b", "b"),
        ("a.>", "a.b.c", "a"),
        (">", "a", ""),
        ("a.*.c", "a.b.c", "a.b.d"),
        ("a*", "a*", "ab"),
    ] {
        let mut client = Conversation::quiet(name, addr).await;
        client.send(&format!("SUB {pattern} 1\r\n")).await;
        if !other.is_empty() {
            client.send(&format!("PUB {other} 5\r\nwrong\r\n")).await;
        }
        client.send(&format!("PUB {matching} 5\r\nright\r\n")).await;
        client
            .expect(&[&format!("MSG {matching} 1 5"), "right"])
            .await;
        client.sync().await;
    }
});

transcript!(a_queue_group_gets_each_message_once, |name, addr| {
    let mut members = Vec::new();
    for _ in 0..3 {
        let mut member = Conversation::quiet(name, addr).await;
        member.send("SUB work.* group 1\r\nSUB report 2\r\n").await;
        member.sync().await;
        members.push(member);
    }
    let mut client = Conversation::quiet(name, addr).await;
    client.send("SUB count 1\r\n").await;
    for _ in 0..30 {
        client.send("PUB work.a 1\r\nx\r\n").await;
    }
    client.sync().await;
    client.send("PUB report 0\r\n\r\n").await;
    let mut sum = 0;
    for member in &mut members {
        sum += member.count_until("MSG report 2 0", "MSG work.a 1 1").await;
    }
    assert_eq!(sum, 30);
});

transcript!(
    unsubscribing_works_at_once_or_after_some_messages,
    |name, addr| {
        let mut client = Conversation::quiet(name, addr).await;
        client.send("SUB a 1\r\nUNSUB 1\r\nPUB a 1\r\nx\r\n").await;
        client.sync().await;
        client
            .send("SUB a 2\r\nUNSUB 2 2\r\nPUB a 1\r\n1\r\nPUB a 1\r\n2\r\nPUB a 1\r\n3\r\n")
            .await;
        client.expect(&["MSG a 2 1", "1", "MSG a 2 1", "2"]).await;
        client.sync().await;
        client
            .send("SUB a 3\r\nPUB a 1\r\n1\r\nPUB a 1\r\n2\r\nUNSUB 3 1\r\nPUB a 1\r\n3\r\n")
            .await;
        client.expect(&["MSG a 3 1", "1", "MSG a 3 1", "2"]).await;
        client.sync().await;
        client.send("UNSUB 77\r\n").await;
        client.sync().await;
    }
);

transcript!(
    the_first_of_two_subscriptions_under_one_id_stays,
    |name, addr| {
        let mut client = Conversation::quiet(name, addr).await;
        client
            .send("SUB a 1\r\nSUB b 1\r\nPUB b 1\r\nx\r\nPUB a 1\r\ny\r\n")
            .await;
        client.expect(&["MSG a 1 1", "y"]).await;
        client.sync().await;
    }
);

transcript!(headers_reach_those_who_understand_them, |name, addr| {
    let mut client = Conversation::quiet(name, addr).await;
    let mut plain = Conversation::with(name, addr, r#"{"verbose":false}"#).await;
    client.send("SUB a 1\r\n").await;
    plain.send("SUB a 2\r\n").await;
    client.sync().await;
    plain.sync().await;
    client
        .send("HPUB a r.x 18 20\r\nNATS/1.0\r\nA: b\r\n\r\nhi\r\n")
        .await;
    client
        .expect(&["HMSG a 1 r.x 18 20", "NATS/1.0", "A: b", "", "hi"])
        .await;
    plain.expect(&["MSG a 2 r.x 2", "hi"]).await;
    client.send("HPUB a 0 2\r\nhi\r\n").await;
    client.expect(&["MSG a 1 2", "hi"]).await;
});

transcript!(headers_need_to_be_agreed_on, |name, addr| {
    let mut plain = Conversation::with(name, addr, r#"{"verbose":false}"#).await;
    plain.send("HPUB a 12 14\r\nNATS/1.0\r\n\r\nhi\r\n").await;
    plain.expect_end().await;
});

transcript!(a_request_that_nobody_hears_is_answered_so, |name, addr| {
    let mut client = Conversation::quiet(name, addr).await;
    client
        .send("SUB inbox.* 7\r\nPUB nobody inbox.1 2\r\nhi\r\n")
        .await;
    client
        .expect(&["HMSG inbox.1 7 16 16", "NATS/1.0 503", "", ""])
        .await;
    client
        .send("PUB nobody 2\r\nhi\r\nPUB nobody elsewhere 2\r\nhi\r\n")
        .await;
    client.sync().await;
});

transcript!(no_responders_needs_headers, |name, addr| {
    let (mut client, _info) = Conversation::open(name, addr).await;
    client.send("CONNECT {\"no_responders\":true}\r\n").await;
    client
        .expect(&["-ERR 'no responders requires headers support'"])
        .await;
    client.expect_end().await;
});

transcript!(a_client_may_not_want_its_own_messages, |name, addr| {
    let mut client = Conversation::with(name, addr, r#"{"verbose":false,"echo":false}"#).await;
    let mut other = Conversation::quiet(name, addr).await;
    client.send("SUB a 1\r\n").await;
    client.sync().await;
    client.send("PUB a 1\r\nx\r\n").await;
    client.sync().await;
    other.send("PUB a 1\r\ny\r\n").await;
    client.expect(&["MSG a 1 1", "y"]).await;
});

transcript!(a_verbose_client_is_told_of_every_success, |name, addr| {
    let (mut client, _info) = Conversation::open(name, addr).await;
    client.send("CONNECT {\"pedantic\":false}\r\n").await;
    client.expect(&["+OK"]).await;
    client.send("SUB a 1\r\n").await;
    client.expect(&["+OK"]).await;
    client.send("PUB a 1\r\nx\r\n").await;
    client.expect(&["+OK", "MSG a 1 1", "x"]).await;
    client.send("UNSUB 1\r\nPING\r\n").await;
    client.expect(&["+OK", "PONG"]).await;
});

transcript!(a_pedantic_client_is_told_of_wrong_subjects, |name, addr| {
    let mut client = Conversation::with(name, addr, r#"{"verbose":false,"pedantic":true}"#).await;
    client.send("PUB a.* 1\r\nx\r\nPUB a..b 1\r\nx\r\n").await;
    client
        .expect(&[
            "-ERR 'Invalid Publish Subject'",
            "-ERR 'Invalid Publish Subject'",
        ])
        .await;
    client.sync().await;
});

transcript!(a_subject_that_makes_no_sense_is_refused, |name, addr| {
    let mut client = Conversation::quiet(name, addr).await;
    for wrong in [".", "a..b", ">.a", "a."] {
        client.send(&format!("SUB {wrong} 1\r\n")).await;
        client.expect(&["-ERR 'Invalid Subject'"]).await;
    }
    client.sync().await;
});

transcript!(operations_are_lenient_in_case_and_blanks, |name, addr| {
    let mut client = Conversation::with(name, addr, QUIET).await;
    client
        .send("sub \t a  q\t 1  \r\npub  a   1 \r\nx\r\nPing\n")
        .await;
    client.expect(&["MSG a 1 1", "x", "PONG"]).await;
    client.send("+OK\r\npong\r\n").await;
    client.sync().await;
});

transcript!(bytes_may_arrive_in_any_pieces, |name, addr| {
    let mut client = Conversation::quiet(name, addr).await;
    for piece in [
        "SU",
        "B a",
        " 1\r",
        "\nPUB a 4\r\n",
        "x\r",
        "\ny",
        "\r",
        "\nPIN",
        "G\r\n",
    ] {
        client.send(piece).await;
        // A second client's round trip gives the first piece time to be read on its own.
        Conversation::quiet(name, addr).await.sync().await;
    }
    client.expect(&["MSG a 1 4", "x", "y", "PONG"]).await;
});

transcript!(nonsense_ends_the_connection, |name, addr| {
    for nonsense in [
        "FOO\r\n",
        "\r\n",
        "PIN\r\n",
        "SUBa 1\r\n",
        "MSG a 1 0\r\n\r\n",
        "UNSUB\r\n",
    ] {
        let mut client = Conversation::quiet(name, addr).await;
        client.send(nonsense).await;
        client.expect(&["-ERR 'Unknown Protocol Operation'"]).await;
        client.expect_end().await;
    }
    let mut client = Conversation::quiet(name, addr).await;
    client.send("PUB a 1\r\nxyPING\r\n").await;
    client.expect(&["-ERR 'Unknown Protocol Operation'"]).await;
    client.expect_end().await;
});

transcript!(
    senseless_arguments_end_the_connection_without_a_word,
    |name, addr| {
        for senseless in [
            "PUB a\r\n",
            "PUB a b 3 4\r\n",
            "PUB a -1\r\n",
            "PUB a x\r\n",
            "PUB a 99999999999\r\n",
            "HPUB a 15\r\n",
            "HPUB a 15 14\r\n",
            "SUB a\r\n",
            "SUB a b c d\r\n",
            "UNSUB 1 2 3\r\n",
            "CONNECT {x}\r\n",
            "CONNECT {\"verbose\":1}\r\n",
        ] {
            let mut client = Conversation::quiet(name, addr).await;
            client.send(senseless).await;
            client.expect_end().await;
        }
    }
);

transcript!(a_payload_over_the_limit_is_refused, |name, addr| {
    let mut client = Conversation::quiet(name, addr).await;
    client.send("SUB a 1\r\nPUB a 1048576\r\n").await;
    client.send_bytes(&vec![b'x'; 1 << 20]).await;
    client.send("\r\n").await;
    client
        .expect(&["MSG a 1 1048576", &"x".repeat(1 << 20)])
        .await;
    client.send("PUB a 1048577\r\n").await;
    client.expect(&["-ERR 'Maximum Payload Violation'"]).await;
    client.expect_end().await;
});

transcript!(a_line_over_the_limit_is_refused, |name, addr| {
    for line in [
        format!("SUB {} 1\r\n", "a".repeat(5000)),
        format!("PUB {}", "a".repeat(5000)),
    ] {
        let mut client = Conversation::quiet(name, addr).await;
        client.send(&line).await;
        client
            .expect(&["-ERR 'maximum control line exceeded'"])
            .await;
        client.expect_end().await;
    }
});

const LOCKED: Demands = Demands {
    password: Some(("nats", "secret")),
    token: None,
};

transcript!(a_password_must_be_right, LOCKED, |name, addr| {
    let (mut client, info) = Conversation::open(name, addr).await;
    assert_eq!(info["auth_required"], true);
    client
        .send("CONNECT {\"user\":\"nats\",\"pass\":\"secret\"}\r\nPING\r\n")
        .await;
    client.expect(&["+OK", "PONG"]).await;
    for wrong in [
        "{}",
        r#"{"user":"nats"}"#,
        r#"{"user":"nats","pass":"Secret"}"#,
    ] {
        let (mut client, _info) = Conversation::open(name, addr).await;
        client.send(&format!("CONNECT {wrong}\r\n")).await;
        client.expect(&["-ERR 'Authorization Violation'"]).await;
        client.expect_end().await;
    }
});

transcript!(strangers_may_only_say_who_they_are, LOCKED, |name, addr| {
    for early in ["PING\r\n", "SUB a 1\r\n", "PUB a 0\r\n\r\n"] {
        let (mut client, _info) = Conversation::open(name, addr).await;
        client.send(early).await;
        client.expect(&["-ERR 'Authorization Violation'"]).await;
        client.expect_end().await;
    }
});

transcript!(strangers_must_not_take_their_time, LOCKED, |name, addr| {
    let (mut client, _info) = Conversation::open(name, addr).await;
    client.expect(&["-ERR 'Authentication Timeout'"]).await;
    client.expect_end().await;
});

const TOKEN: Demands = Demands {
    password: None,
    token: Some("t0ken"),
};

transcript!(a_token_must_be_right, TOKEN, |name, addr| {
    let (mut client, _info) = Conversation::open(name, addr).await;
    client
        .send("CONNECT {\"auth_token\":\"t0ken\",\"verbose\":false}\r\n")
        .await;
    client.sync().await;
    let (mut client, _info) = Conversation::open(name, addr).await;
    client.send("CONNECT {\"auth_token\":\"token\"}\r\n").await;
    client.expect(&["-ERR 'Authorization Violation'"]).await;
    client.expect_end().await;
});
