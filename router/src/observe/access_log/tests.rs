//! Lines, byte for byte.

use std::time::{Duration, UNIX_EPOCH};

use proptest::prelude::*;

use crate::config::{ExtraLogField, ObserveConfig, QueryRedaction};
use crate::observe::zone::Zone;

use super::*;

/// 2026-07-20T09:54:56.789012345Z, a usual request.
fn usual() -> Record<'static> {
    Record {
        host: b"app.example.com",
        received_at: UNIX_EPOCH + Duration::new(1_784_541_296, 789_012_345),
        method: b"GET",
        uri: b"/cart?id=7&token=s3cret",
        protocol: "HTTP/1.1",
        status: 200,
        request_bytes: 0,
        response_bytes: 1_270,
        referer: b"",
        user_agent: b"curl/8.5.0",
        client: b"203.0.113.9:52144",
        endpoint: b"10.0.16.5:61012",
        forwarded_for: b"203.0.113.9, 10.0.0.2",
        forwarded_proto: b"https",
        request_id: b"2e0b9b4e-5ab1-4d2c-7e0d-3f1a7d2f9c01",
        response_time: Duration::from_nanos(12_345_678),
        gorouter_time: Some(Duration::from_micros(210)),
        app_id: b"6b8c2f4e-0c1d-4f9b-9a55-7f1f0d7c3c11",
        app_index: b"0",
        instance_id: b"f3a1c9d2-77aa-4c0b-5b1f-1b2c",
        extra: Extra::default(),
        router_error: b"",
        extra_headers: &[],
    }
}

/// Refused before any endpoint was asked, by a client that sent next to nothing.
fn refused() -> Record<'static> {
    Record {
        host: b"unknown.example.com:8080",
        method: b"POST",
        uri: b"/",
        protocol: "HTTP/1.0",
        status: 404,
        request_bytes: 12,
        response_bytes: 69,
        user_agent: b"",
        endpoint: b"",
        forwarded_for: b"203.0.113.9",
        forwarded_proto: b"http",
        response_time: Duration::from_micros(31),
        gorouter_time: Some(Duration::ZERO),
        app_id: b"",
        app_index: b"",
        instance_id: b"",
        router_error: b"unknown_route",
        ..usual()
    }
}

fn line(config: &ObserveConfig, record: &Record<'_>) -> String {
    let mut out = Vec::new();
    LineWriter::new(config, Zone::UTC).write_line(&mut out, record);
    String::from_utf8(out).unwrap()
}

fn with(change: impl FnOnce(&mut ObserveConfig)) -> ObserveConfig {
    let mut config = ObserveConfig::default();
    change(&mut config);
    config
}

#[test]
fn lines_are_those_of_the_golden_file() {
    let hostile = Record {
        uri: b"/a\"b\\c\xff\x01",
        status: 0,
        referer: "https://example.com/gr\u{fc}\u{df}e".as_bytes(),
        user_agent: b"evil\"\r\n - [forged]",
        gorouter_time: None,
        ..usual()
    };
    let everything = with(|config| {
        config.extra_headers_to_log = ["X-Forwarded-Host", "Cache-Control"].map(Into::into).into();
        config.extra_access_log_fields = [
            ExtraLogField::FailedAttempts,
            ExtraLogField::BackendTime,
            ExtraLogField::DialTime,
            ExtraLogField::DnsTime,
            ExtraLogField::TlsTime,
            ExtraLogField::FailedAttemptsTime,
            ExtraLogField::LocalAddress,
        ]
        .into();
    });
    let full = Record {
        referer: b"https://example.com/",
        extra: Extra {
            backend_time: Some(Duration::from_millis(11)),
            dial_time: Some(Duration::from_nanos(400_499)),
            failed_attempts: 1,
            failed_attempts_time: Some(Duration::from_millis(5_000)),
            local_address: b"10.0.0.9:8081",
            ..Extra::default()
        },
        router_error: b"endpoint_failure (\"reset\")",
        extra_headers: &[b"www.example.com"],
        ..usual()
    };
    let usual_config = ObserveConfig::default();
    let lines = [
        line(&usual_config, &usual()),
        line(&usual_config, &refused()),
        line(&usual_config, &hostile),
        line(&everything, &full),
    ];
    assert_eq!(lines.concat(), include_str!("../fixtures/access.log"));
}

#[test]
fn hidden_addresses_are_dashes() {
    let config = with(|config| {
        config.disable_log_source_ip = true;
        config.disable_log_forwarded_for = true;
    });
    let line = line(&config, &usual());
    assert!(
        line.contains(r#" "curl/8.5.0" "-" "10.0.16.5:61012" x_forwarded_for:"-" "#),
        "{line}"
    );
}

#[test]
fn a_get_loses_its_query_when_all_is_redacted() {
    let config = with(|config| config.redact_query_params = QueryRedaction::All);
    assert!(line(&config, &usual()).contains(r#""GET /cart HTTP/1.1""#));
    let plain = Record {
        uri: b"/plain",
        ..usual()
    };
    assert!(line(&config, &plain).contains(r#""GET /plain HTTP/1.1""#));
}

#[test]
fn a_get_shows_the_hash_of_its_query_when_asked_to() {
    let config = with(|config| config.redact_query_params = QueryRedaction::Hash);
    let hashed = Record {
        uri: b"/cart?abc",
        ..usual()
    };
    // FIPS 180-2's first example.
    let expected = r#""GET /cart?hash=a9993e364706816aba3e25717850c26c9cd0d89d HTTP/1.1""#;
    assert!(line(&config, &hashed).contains(expected));
    let empty = Record {
        uri: b"/cart?",
        ..usual()
    };
    assert!(line(&config, &empty).contains(r#""GET /cart HTTP/1.1""#));
}

#[test]
fn only_a_get_is_redacted() {
    let config = with(|config| config.redact_query_params = QueryRedaction::All);
    let post = Record {
        method: b"POST",
        ..usual()
    };
    assert!(line(&config, &post).contains(r#""POST /cart?id=7&token=s3cret HTTP/1.1""#));
}

proptest! {
    /// A line is copied as it is, or made with escapes; which of them must not matter.
    #[test]
    fn a_line_reads_back_into_its_texts(
        texts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..12), 4),
        plain in any::<bool>(),
    ) {
        let texts: Vec<Vec<u8>> = texts
            .into_iter()
            .map(|text| if plain { text.iter().map(|byte| b'a' + byte % 26).collect() } else { text })
            .collect();
        let [uri, referer, user_agent, request_id] = &texts[..] else { unreachable!() };
        let record = Record { uri, referer, user_agent, request_id, ..usual() };
        let line = line(&ObserveConfig::default(), &record);
        let quoted = |text: &[u8]| {
            let mut out = Vec::new();
            quote::escaped(&mut out, if text.is_empty() { b"-" } else { text });
            format!("\"{}\"", String::from_utf8(out).unwrap())
        };
        let mut written_uri = Vec::new();
        quote::escaped(&mut written_uri, uri);
        let request = format!("\"GET {} HTTP/1.1\"", String::from_utf8(written_uri).unwrap());
        let expected = format!(
            "app.example.com - [2026-07-20T09:54:56.789012345Z] {request} 200 0 1270 {} {} \
             \"203.0.113.9:52144\" \"10.0.16.5:61012\" x_forwarded_for:\"203.0.113.9, 10.0.0.2\" \
             x_forwarded_proto:\"https\" vcap_request_id:{} response_time:",
            quoted(referer), quoted(user_agent), quoted(request_id),
        );
        prop_assert!(line.starts_with(&expected), "{line:?}\n{expected:?}");
        prop_assert_eq!(line.matches('\n').count(), 1);
    }
}

#[test]
fn seconds_are_rounded_as_go_rounds_the_float() {
    let print = |nanos| {
        let record = Record {
            response_time: Duration::from_nanos(nanos),
            ..usual()
        };
        let line = line(&ObserveConfig::default(), &record);
        let time = line.split(" response_time:").nth(1).unwrap();
        time.split(' ').next().unwrap().to_owned()
    };
    assert_eq!(print(0), "0.000000");
    assert_eq!(print(499), "0.000000");
    assert_eq!(print(501), "0.000001");
    assert_eq!(print(999_999_501), "1.000000");
    assert_eq!(print(61_000_001_000), "61.000001");
    // Ties fall to the side of the nearest double: 0.0000005 is a bit below, 0.0000025 too,
    // 0.0000015 a bit above, 0.5000005 below.
    for tie in [
        500,
        1_500,
        2_500,
        3_500,
        500_000_500,
        12_345_500,
        7_000_062_500,
    ] {
        assert_eq!(print(tie), format!("{:.6}", tie as f64 / 1e9));
    }
}

#[test]
fn a_line_costs_no_allocation_once_the_buffer_has_grown() {
    let config = ObserveConfig::default();
    let mut writer = LineWriter::new(&config, Zone::UTC);
    let mut out = Vec::new();
    writer.write_line(&mut out, &usual());
    let (place, capacity) = (out.as_ptr(), out.capacity());
    for _ in 0..100 {
        out.clear();
        writer.write_line(&mut out, &usual());
    }
    assert_eq!((out.as_ptr(), out.capacity()), (place, capacity));
}

#[test]
fn a_full_ring_drops_whole_lines() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("access.log");
    let config = ObserveConfig::default();
    let metrics = crate::observe::metrics::Metrics::new(1, &config).unwrap();
    let (log, mut producers) = AccessLog::open(&path, 100, [metrics.access_log_drops(0)]).unwrap();
    let mut core_log = CoreLog::new(&config, Zone::UTC, producers.remove(0));
    assert_eq!(core_log.log(&usual()), Err(Dropped));
    assert_eq!(log.close(), Unwritten(0));
    assert_eq!(std::fs::read(&path).unwrap(), b"");
    let mut scrape = Vec::new();
    metrics.render(&mut scrape).unwrap();
    let scrape = String::from_utf8(scrape).unwrap();
    assert!(scrape.contains("\nswitchyard_access_log_dropped_total 1\n"));
}
