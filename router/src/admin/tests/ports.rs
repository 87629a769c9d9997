//! Which port has which paths, and who may read them.

use crate::config::{AdminConfig, ListenConfig};

use super::desk::{Desk, basic, body, config};

#[test]
fn a_path_that_a_port_does_not_have_is_gos_404() {
    let desk = Desk::open(&config());
    for (port, path) in [
        (desk.status, "/routes"),
        (desk.status, "/varz"),
        (desk.status, "/metrics"),
        (desk.routes, "/health"),
        (desk.prometheus, "/routes"),
    ] {
        let response = desk.get(port, path, &basic("user:secret"));
        assert!(response.starts_with("HTTP/1.1 404 Not Found\r\n"), "{path}");
        assert_eq!(body(&response), "404 page not found\n");
    }
}

#[test]
fn routes_and_varz_want_a_password() {
    let desk = Desk::open(&config());
    for path in ["/routes", "/varz"] {
        for header in ["", &basic("user:wrong"), "Authorization: Basic ?\r\n"] {
            let response = desk.get(desk.routes, path, header);
            assert!(
                response.starts_with("HTTP/1.1 401 Unauthorized\r\n"),
                "{path} {header}"
            );
            assert!(response.contains("\r\nWww-Authenticate: Basic\r\n"));
            assert_eq!(body(&response), "401 Unauthorized\n");
        }
        let admitted = desk.get(desk.routes, path, &basic("user:secret"));
        assert!(admitted.starts_with("HTTP/1.1 200 OK\r\n"));
        assert!(admitted.contains("\r\nConnection: close\r\n"));
        assert!(admitted.contains("\r\nContent-Type: application/json\r\n"));
    }
}

#[test]
fn the_legacy_port_has_everything_but_the_liveness_path() {
    let config = AdminConfig {
        enable_deprecated_varz_healthz_endpoints: true,
        host: "127.0.0.1".into(),
        ..config()
    };
    let desk = Desk::open(&config);
    desk.state.health.warmed_up();
    let first_line = |path: &str, header: &str| {
        desk.get(desk.status, path, header)
            .lines()
            .next()
            .unwrap()
            .to_owned()
    };
    assert_eq!(first_line("/health", ""), "HTTP/1.1 200 OK");
    assert_eq!(body(&desk.get(desk.status, "/healthz", "")), "ok");
    assert_eq!(first_line("/varz", ""), "HTTP/1.1 401 Unauthorized");
    assert_eq!(
        first_line("/varz", &basic("user:secret")),
        "HTTP/1.1 200 OK"
    );
    assert_eq!(
        first_line("/routes", &basic("user:secret")),
        "HTTP/1.1 200 OK"
    );
    let liveness = "/is-process-alive-do-not-use-for-loadbalancing";
    assert_eq!(first_line(liveness, ""), "HTTP/1.1 404 Not Found");
}

#[test]
fn a_taken_port_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let config = AdminConfig {
        routes_port: port,
        ..config()
    };
    let error = crate::admin::bind(&config, &ListenConfig::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("cannot listen on 127.0.0.1:{port} for routes")
    );
}
