//! `gorouter.yml`, letter by letter. It knows what may be written, not what it means.

use std::path::PathBuf;

use super::accepted;
use super::duration::GoDuration;
use super::error::Report;
use super::read::{At, FromYaml, wrong};
use super::yaml::{Node, Value};

/// Declares the mirror of one map: each key may be absent, each value knows its place.
macro_rules! mirror {
    ($($(#[$doc:meta])* $name:ident { $($key:ident: $kind:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Default)]
        pub(super) struct $name {
            $(pub(super) $key: Option<At<$kind>>,)*
        }

        impl FromYaml for $name {
            fn keys(path: &str, found: &mut Vec<String>) {
                $(
                    let key = join(path, stringify!($key));
                    <$kind>::keys(&key, found);
                    found.push(key);
                )*
            }

            fn from_yaml(node: &Node, path: &str, report: &mut Report) -> Option<Self> {
                let entries = match &node.value {
                    Value::Map(entries) => entries,
                    Value::Null => return None,
                    Value::List(_) | Value::Text(_) => return wrong(node, path, "a map", report),
                };
                let mut mirror = Self::default();
                for entry in entries {
                    let key = join(path, &entry.key);
                    match entry.key.as_str() {
                        $(stringify!($key) => {
                            mirror.$key = FromYaml::from_yaml(&entry.node, &key, report);
                        })*
                        _ => accepted::judge(entry, &key, report),
                    }
                }
                Some(mirror)
            }
        }
    )*};
}

/// The full path of `key` in the map at `path`.
pub(super) fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

mirror! {
    /// The whole file.
    File {
        access_log: AccessLog,
        backends: Backends,
        balancing_algorithm: String,
        balancing_algorithm_az_preference: String,
        ca_certs: Vec<At<String>>,
        cipher_suites: String,
        client_ca_certs: String,
        client_cert_validation: String,
        debug_addr: String,
        disable_http: bool,
        disable_keep_alives: bool,
        drain_timeout: GoDuration,
        drain_wait: GoDuration,
        droplet_stale_threshold: GoDuration,
        empty_pool_response_code_503: bool,
        empty_pool_timeout: GoDuration,
        enable_http2: bool,
        enable_proxy: bool,
        enable_ssl: bool,
        endpoint_dial_timeout: GoDuration,
        endpoint_keep_alive_probe_interval: GoDuration,
        endpoint_timeout: GoDuration,
        extra_headers_to_log: Vec<String>,
        force_forwarded_proto_https: bool,
        frontend_idle_timeout: GoDuration,
        go_max_procs: i64,
        healthcheck_user_agent: String,
        hop_by_hop_headers_to_filter: Vec<String>,
        http_rewrite: HttpRewrite,
        index: u32,
        isolation_segments: Vec<String>,
        logging: Logging,
        max_idle_conns: i64,
        max_idle_conns_per_host: i64,
        max_request_header_bytes: i64,
        max_request_headers: i64,
        max_response_header_bytes: i64,
        max_response_headers: i64,
        max_tls_version: String,
        min_tls_version: String,
        nats: Nats,
        nats_client_ping_interval: GoDuration,
        only_trust_client_ca_certs: bool,
        per_request_metrics_reporting: bool,
        port: u16,
        prometheus: Prometheus,
        prune_stale_droplets_interval: GoDuration,
        publish_active_apps_interval: GoDuration,
        read_header_timeout: GoDuration,
        routing_table_sharding_mode: String,
        sanitize_forwarded_proto: bool,
        secure_cookies: bool,
        ssl_port: u16,
        start_response_delay_interval: GoDuration,
        status: Status,
        sticky_session_cookie_names: Vec<String>,
        sticky_sessions_for_auth_negotiate: bool,
        suspend_pruning_if_nats_unavailable: bool,
        switchyard: Switchyard,
        tls_handshake_timeout: GoDuration,
        tls_pem: Vec<At<Pem>>,
        trace_key: String,
        zone: String,
    }

    /// `access_log`.
    AccessLog { enable_streaming: bool, file: PathBuf, }

    /// `backends`.
    Backends { cert_chain: String, max_attempts: i64, max_conns: i64, private_key: String, }

    /// `http_rewrite`.
    HttpRewrite { responses: Responses, }

    /// `http_rewrite.responses`.
    Responses {
        add_headers_if_not_present: Vec<At<Header>>,
        remove_headers: Vec<At<Header>>,
    }

    /// One entry of the lists in `http_rewrite.responses`.
    Header { name: String, value: String, }

    /// `logging`.
    Logging {
        disable_log_forwarded_for: bool,
        disable_log_source_ip: bool,
        extra_access_log_fields: Vec<At<String>>,
        format: Format,
        level: String,
        redact_query_params: String,
        syslog: String,
    }

    /// `logging.format`.
    Format { timestamp: String, }

    /// `prometheus.meters`.
    Meters {
        gorouter_time_histogram_buckets: Vec<f64>,
        http_latency_histogram_buckets: Vec<f64>,
        route_lookup_time_histogram_buckets: Vec<f64>,
        route_registration_latency_histogram_buckets: Vec<f64>,
        routing_response_latency_histogram_buckets: Vec<f64>,
    }

    /// `nats`.
    Nats {
        ca_certs: String,
        cert_chain: String,
        hosts: Vec<At<NatsHost>>,
        pass: String,
        private_key: String,
        tls_enabled: bool,
        user: String,
    }

    /// One entry of `nats.hosts`.
    NatsHost { hostname: String, port: u16, }

    /// One entry of `tls_pem`.
    Pem { cert_chain: String, private_key: String, }

    /// `prometheus`.
    Prometheus {
        ca_path: PathBuf,
        cert_path: PathBuf,
        enabled: bool,
        key_path: PathBuf,
        meters: Meters,
        port: u16,
    }

    /// `status`.
    Status {
        enable_deprecated_varz_healthz_endpoints: bool,
        enable_nontls_health_checks: bool,
        host: String,
        pass: String,
        port: u16,
        routes: StatusRoutes,
        tls: StatusTls,
        user: String,
    }

    /// `status.routes`.
    StatusRoutes { port: u16, }

    /// `status.tls`.
    StatusTls { certificate: String, key: String, port: u16, }

    /// `switchyard`: every key of our own.
    Switchyard {
        access_log_buffer_bytes: i64,
        body_idle_timeout: GoDuration,
        endpoint_cool_off: GoDuration,
        idle_endpoint_timeout: GoDuration,
        listen_address: String,
        max_connections: u32,
        nats_token: String,
        pin_workers: bool,
        response_header_timeout: GoDuration,
        snapshot: PathBuf,
        snapshot_interval: GoDuration,
        splice_from_bytes: i64,
        static_routes: PathBuf,
        workers: i64,
    }
}
