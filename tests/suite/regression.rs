//! Faults that were found once: each test names its issue and failed before the repair.

use harness::endpoint::Endpoint;
use harness::stage::{HOST, Stage};

/// Go's reverse proxy kept a poisoned connection after a final answer to `Expect`
/// (CVE-2024-24791); the next request on it must not read a stale answer.
#[test]
fn r0002_a_final_answer_to_expect_does_not_poison_the_next_exchange() {
    let stage = Stage::with(Endpoint::scripted(|conn| {
        while let Some(head) = conn.head() {
            let text = head.target().to_owned();
            conn.send(format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}",
                text.len()
            ));
        }
    }));
    for at in 0..5 {
        let mut client = stage.client();
        client.send(format!(
            "POST /e{at} HTTP/1.1\r\nHost: {HOST}\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
        ));
        assert_eq!(client.expect_status(200).text(), format!("/e{at}"));
        assert_eq!(stage.innocent().text(), "/innocent");
    }
}
