//! The route table, as JSON.

use serde_json::Value;

use crate::route::{Algorithm, Announcement, Millis, TableWriter, Transport};

use super::desk::{Desk, basic, body, config};

/// Two endpoints of one route, one with everything that can be announced.
pub(super) fn fill(writer: &mut TableWriter) {
    let plain = Announcement {
        host: "10.0.16.5",
        port: 61_012,
        protocol: "http1",
        instance_id: "f3a1-c9d2",
        stale_threshold_secs: 120,
        ..Announcement::default()
    };
    let tags = [
        ("component".into(), "route-emitter".into()),
        ("note".into(), "<\"x\">".into()),
    ]
    .into();
    let full = Announcement {
        host: "10.0.16.6",
        port: 61_443,
        transport: Transport::Tls,
        protocol: "http2",
        app_id: "6b8c",
        instance_id: "0a-1",
        instance_index: "1",
        server_cert_domain_san: "san.example.com",
        availability_zone: "z2",
        isolation_segment: "iso",
        route_service_url: "https://rs.example.com/?a=1&b=2",
        stale_threshold_secs: 20,
        load_balancing: Algorithm::from_name("least-connection"),
        tags: Some(&tags),
        ..Announcement::default()
    };
    writer
        .register("Zebra.example.com/Path/", &plain, Millis(1))
        .unwrap();
    writer
        .register("app.example.com", &full, Millis(1))
        .unwrap();
    writer
        .register("app.example.com", &plain, Millis(1))
        .unwrap();
}

#[test]
fn routes_are_those_of_the_golden_file() {
    let mut writer = TableWriter::new(Algorithm::default());
    let desk = Desk::of(&config(), writer.table());
    let ask = || desk.get(desk.routes, "/routes", &basic("user:secret"));
    assert_eq!(body(&ask()), "{}\n");
    fill(&mut writer);
    let response = ask();
    assert_eq!(
        body(&response),
        include_str!("../../observe/fixtures/routes.json")
    );
    assert!(response.contains(&format!(
        "\r\nContent-Length: {}\r\n",
        body(&response).len()
    )));
}

#[test]
fn a_large_table_is_streamed_in_key_order() {
    let mut writer = TableWriter::new(Algorithm::default());
    for n in 0..3_000 {
        let endpoint = Announcement {
            host: "10.1.2.3",
            port: 8_080,
            ..Announcement::default()
        };
        let uri = format!("app-{:07}.example.com", n * 7_919 % 3_000);
        writer.register(&uri, &endpoint, Millis(1)).unwrap();
    }
    let desk = Desk::of(&config(), writer.table());
    let request = format!("GET /routes HTTP/1.0\r\n{}\r\n", basic("user:secret"));
    let response = desk.send(desk.routes, &request);
    assert!(!response.contains("Content-Length"));
    let text = body(&response);
    assert!(text.ends_with("]}\n"));
    let routes: serde_json::Map<String, Value> = serde_json::from_str(text).unwrap();
    assert_eq!(routes.len(), 3_000);
    let printed = text
        .split("\"app-")
        .skip(1)
        .map(|route| route.split('.').next());
    let numbers: Vec<usize> = printed
        .map(|number| number.unwrap().parse().unwrap())
        .collect();
    assert_eq!(numbers, (0..3_000).collect::<Vec<_>>());
}
