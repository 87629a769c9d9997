//! Keys that are read by nobody here: gorouter's that have no effect yet, and unknown ones.
//!
//! gorouter ignores keys that it does not know, so none of these stops the router. Whoever gives
//! a key its effect moves its row from [`ACCEPTED`] to `file.rs`.

use super::error::Report;
use super::file::{File, join};
use super::read::FromYaml;
use super::yaml::{Entry, Node, Value};

/// A key of gorouter that we do not act on.
pub(super) struct Accepted {
    pub(super) key: &'static str,
    pub(super) standing: Standing,
    /// The values that ask for what we do anyway; an empty one is always among them.
    pub(super) honoured: &'static [&'static str],
}

/// Why a key has no effect.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Standing {
    /// For good: gorouter reads it without effect as well, or we have no such switch.
    Never(&'static str),
    /// Not implemented yet.
    NotYet,
}

/// Says what is to be said about a key that `file.rs` does not have.
pub(super) fn judge(entry: &Entry, path: &str, report: &mut Report) {
    // The merge key of YAML has been expanded; it is no key of ours.
    if entry.key == "<<" {
        return;
    }
    let general = without_indices(path);
    if let Some(accepted) = ACCEPTED.iter().find(|accepted| accepted.key == general) {
        return accepted.judge(entry, path, report);
    }
    if let Value::Map(children) = &entry.node.value
        && ACCEPTED
            .iter()
            .any(|accepted| is_below(accepted.key, &general))
    {
        for child in children {
            judge(child, &join(path, &child.key), report);
        }
        return;
    }
    report.warning(entry.key_place, format!("unknown key `{path}` is ignored"));
    if let Some(near) = nearest(&general) {
        report.help(format!("did you mean `{near}`?"));
    }
}

impl Accepted {
    fn judge(&self, entry: &Entry, path: &str, report: &mut Report) {
        if self.honours(&entry.node) {
            return;
        }
        match self.standing {
            Standing::Never(reason) => {
                report.note(entry.key_place, format!("`{path}` has no effect: {reason}"));
            }
            Standing::NotYet => {
                report.warning(
                    entry.key_place,
                    format!("`{path}` is accepted, not yet in effect"),
                );
            }
        }
    }

    fn honours(&self, node: &Node) -> bool {
        match &node.value {
            Value::List(items) => items.is_empty(),
            Value::Map(entries) => entries.is_empty(),
            Value::Null => true,
            Value::Text(text) => {
                text.is_empty()
                    || self
                        .honoured
                        .iter()
                        .any(|value| value.eq_ignore_ascii_case(text))
            }
        }
    }
}

/// Every key that has a meaning, in effect or not, with its full path.
pub(super) fn known_keys() -> Vec<String> {
    let mut found = Vec::new();
    File::keys("", &mut found);
    found.extend(ACCEPTED.iter().map(|accepted| accepted.key.to_owned()));
    found
}

/// The known key that `path` was probably meant to be.
fn nearest(path: &str) -> Option<String> {
    let (parent, leaf) = split(path);
    let reach = (leaf.chars().count() / 3).clamp(1, 3);
    known_keys()
        .into_iter()
        .filter_map(|known| {
            let (other_parent, other_leaf) = split(&known);
            let moved = usize::from(other_parent != parent);
            // Short words such as `port` stand in many places, so they only count in their own.
            if moved == 1 && leaf.len() < TELLING_LENGTH {
                return None;
            }
            let distance = strsim::damerau_levenshtein(leaf, other_leaf);
            (distance <= reach).then_some((distance, moved, known))
        })
        .min()
        .map(|(_, _, known)| known)
}

fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('.').unwrap_or(("", path))
}

fn is_below(key: &str, path: &str) -> bool {
    key.strip_prefix(path)
        .is_some_and(|rest| rest.starts_with('.'))
}

/// `tls_pem[3].key` is the key `tls_pem[].key`.
fn without_indices(path: &str) -> String {
    let mut general = String::with_capacity(path.len());
    for part in path.split_inclusive('[') {
        general.push_str(part.trim_start_matches(|c: char| c.is_ascii_digit()));
    }
    general
}

const TELLING_LENGTH: usize = 6;

const fn not_yet(key: &'static str, honoured: &'static [&'static str]) -> Accepted {
    Accepted {
        key,
        standing: Standing::NotYet,
        honoured,
    }
}

const fn never(key: &'static str, reason: &'static str) -> Accepted {
    Accepted {
        key,
        standing: Standing::Never(reason),
        honoured: &[],
    }
}

const FALSE: &[&str] = &["false", "no", "off", "n"];
const UNUSED: &str = "gorouter does not use it either";
const OLDER: &str = "only older versions of gorouter had it";
const ARTEFACT: &str = "it is an artefact of gorouter's test suite";
const DUPLEX: &str = "answers may always begin before the request body has ended";

/// Sorted by key.
pub(super) const ACCEPTED: &[Accepted] = &[
    never("backends.clientauthcertificate", ARTEFACT),
    not_yet("domains", &[]),
    not_yet("enable_envelope_v1_metrics", FALSE),
    never("enable_http1_concurrent_read_write", DUPLEX),
    not_yet("enable_verify_client_certificate_metadata", FALSE),
    not_yet("forwarded_client_cert", &["always_forward"]),
    never("healthcheck_poll_interval", UNUSED),
    never("healthcheck_timeout", UNUSED),
    not_yet("html_error_template_file", &[]),
    not_yet("http_1_endpoint_timeout", &["0", "0s"]),
    not_yet("http_2_endpoint_timeout", &["0", "0s"]),
    never("ip_local_port_range", "it is a setting of the machine"),
    never("keep_alive_100_continue_requests", OLDER),
    never(
        "load_balancer_healthy_threshold",
        "the deployment waits, not the router",
    ),
    never("logging.enable_attempts_details", OLDER),
    not_yet("logging.loggregator_enabled", FALSE),
    not_yet("logging.metron_address", &["localhost:3457"]),
    not_yet("logging.syslog_addr", &["127.0.0.1:514"]),
    not_yet("logging.syslog_network", &["udp"]),
    not_yet("logging.syslog_truncate", &["0"]),
    never("max_header_bytes", OLDER),
    not_yet("oauth.ca_certs", &[]),
    not_yet("oauth.client_name", &[]),
    not_yet("oauth.client_secret", &[]),
    not_yet("oauth.port", &["0"]),
    not_yet("oauth.skip_ssl_validation", FALSE),
    not_yet("oauth.token_endpoint", &[]),
    not_yet("per_app_prometheus_http_metrics_reporting", FALSE),
    never("pid_file", UNUSED),
    never("publish_start_message_interval", UNUSED),
    not_yet("route_latency_metric_muzzle_duration", &["20s"]),
    not_yet("route_services.cert_chain", &[]),
    never("route_services.clientauthcertificate", ARTEFACT),
    not_yet("route_services.enable_websockets", FALSE),
    not_yet("route_services.max_attempts", &["0"]),
    not_yet("route_services.private_key", &[]),
    not_yet("route_services.strict_signature_validation", FALSE),
    not_yet("route_services_hairpinning", FALSE),
    not_yet("route_services_hairpinning_allowlist", &[]),
    not_yet("route_services_internal_server_port", &["7070"]),
    not_yet("route_services_recommend_https", FALSE),
    not_yet("route_services_secret", &[]),
    not_yet("route_services_secret_decrypt_only", &[]),
    not_yet("route_services_timeout", &["60s"]),
    not_yet("routing_api.auth_disabled", FALSE),
    not_yet("routing_api.ca_certs", &[]),
    not_yet("routing_api.cert_chain", &[]),
    never("routing_api.clientauthcertificate", ARTEFACT),
    not_yet("routing_api.port", &["0"]),
    not_yet("routing_api.private_key", &[]),
    not_yet("routing_api.uri", &[]),
    not_yet("send_http_start_stop_client_event", FALSE),
    not_yet("send_http_start_stop_server_event", FALSE),
    not_yet("skip_ssl_validation", FALSE),
    not_yet("token_fetcher_expiration_buffer_time", &["30"]),
    not_yet("token_fetcher_max_retries", &["3"]),
    not_yet("token_fetcher_retry_interval", &["5s"]),
    not_yet("tracing.enable_w3c", FALSE),
    not_yet("tracing.enable_zipkin", FALSE),
    not_yet("tracing.w3c_tenant_id", &[]),
    not_yet("verify_client_certificate_metadata", &[]),
    never("websocket_dial_timeout", UNUSED),
];

#[cfg(test)]
mod tests {
    use super::{known_keys, nearest, without_indices};

    #[test]
    fn a_slip_of_the_pen_finds_its_key() {
        for (typed, meant) in [
            ("drain_timout", "drain_timeout"),
            ("endpoint_time_out", "endpoint_timeout"),
            ("backends.max_con", "backends.max_conns"),
            ("max_attempts", "backends.max_attempts"),
            ("switchyard.worker", "switchyard.workers"),
            ("snapshot_interval", "switchyard.snapshot_interval"),
            ("tls_pem[].private_kye", "tls_pem[].private_key"),
        ] {
            assert_eq!(nearest(typed).as_deref(), Some(meant), "{typed}");
        }
    }

    #[test]
    fn a_word_of_its_own_resembles_nothing() {
        for typed in ["colour", "x", "backends.port", "foo.port"] {
            assert_eq!(nearest(typed), None, "{typed}");
        }
    }

    #[test]
    fn a_key_stands_in_one_table_only() {
        let mut keys = known_keys();
        let all = keys.len();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), all);
        assert!(all > 120, "{all} keys");
    }

    #[test]
    fn an_index_is_no_part_of_a_key() {
        assert_eq!(without_indices("a[12].b[0].c"), "a[].b[].c");
        assert_eq!(without_indices("port1.x"), "port1.x");
    }
}
