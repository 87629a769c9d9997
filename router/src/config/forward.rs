//! The walk of a request: limits, attempts, header rules.

use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use super::error::Report;
use super::file::{Backends, File};
use super::read::{At, Field, choose};
use super::registry;
use super::show::{Tree, count_of};
use super::upstream::{count, limit};
use super::{HttpRewrite, Secret};

/// What `proxy` and `headers` need.
#[derive(Clone, Debug, PartialEq)]
pub struct ForwardConfig {
    /// `backends.max_attempts` (default `0`): attempts per request, the first one included; below 1 means 1.
    pub max_attempts: NonZeroU32,
    /// `backends.max_conns` (default `0`): requests in flight per endpoint; at most 0 means no limit.
    pub max_conns: u32,
    /// `endpoint_timeout` (default `60s`): wall clock of one attempt with its body; at most 0 turns it off.
    pub endpoint_timeout: Option<Duration>,
    /// `switchyard.response_header_timeout` (default off): how long an endpoint may take to begin its answer; `endpoint_timeout` rules alone when off.
    pub response_header_timeout: Option<Duration>,
    /// `switchyard.body_idle_timeout` (default off): how long a body may stand still in either direction.
    pub body_idle_timeout: Option<Duration>,
    /// `switchyard.splice_from_bytes` (default `524288`): bodies of this length or more, and tunnels that are busy, move inside the kernel where both sides are in the clear; at most 0 turns it off.
    pub splice_from_bytes: Option<NonZeroUsize>,
    /// `switchyard.endpoint_cool_off` (default a quarter of `droplet_stale_threshold`): how long a failed endpoint is skipped.
    pub endpoint_cool_off: Duration,
    /// `balancing_algorithm_az_preference` (default `none`): `none` or `locally-optimistic`, which prefers endpoints of our zone on the first attempt; accepted, not yet in effect.
    pub balancing_algorithm_az_preference: AzPreference,
    /// `zone` (default `""`): availability zone of this router.
    pub zone: String,
    /// `empty_pool_response_code_503` (default `false`): a route whose last endpoint is gone answers 503 instead of 404.
    pub empty_pool_response_code_503: bool,
    /// `sticky_session_cookie_names` (default `[JSESSIONID]`): cookies whose presence in an answer binds the session.
    pub sticky_session_cookie_names: Vec<String>,
    /// `sticky_sessions_for_auth_negotiate` (default `false`): `Authorization: Negotiate` binds a session too.
    pub sticky_sessions_for_auth_negotiate: bool,
    /// `secure_cookies` (default `false`): our session cookie is always `Secure`.
    pub secure_cookies: bool,
    /// `force_forwarded_proto_https` (default `false`): `X-Forwarded-Proto` is always `https`.
    pub force_forwarded_proto_https: bool,
    /// `sanitize_forwarded_proto` (default `false`): the client's `X-Forwarded-Proto` is replaced.
    pub sanitize_forwarded_proto: bool,
    /// `hop_by_hop_headers_to_filter` (default `[]`): names that a client's `Connection` header cannot remove; lower case.
    pub hop_by_hop_headers_to_filter: Vec<String>,
    /// `max_request_header_bytes` (default `1048576`): a request head of this size or more is refused with 431; below 1 or above 1 MiB means 1 MiB.
    pub max_request_header_bytes: usize,
    /// `max_request_headers` (default off): more header lines than this are refused with 431; at most 0 turns it off.
    pub max_request_headers: Option<NonZeroUsize>,
    /// `healthcheck_user_agent` (default `HTTP-Monitor/1.1`): a request with exactly this `User-Agent` asks for our health.
    pub healthcheck_user_agent: String,
    /// `trace_key` (default `""`): secret of `X-Vcap-Trace`; never matches when empty.
    pub trace_key: Secret,
    /// `http_rewrite.responses` (default none): header rules for answers.
    pub http_rewrite: HttpRewrite,
}

impl Default for ForwardConfig {
    fn default() -> Self {
        Self {
            max_attempts: NonZeroU32::MIN,
            max_conns: 0,
            endpoint_timeout: Some(Duration::from_secs(60)),
            response_header_timeout: None,
            body_idle_timeout: None,
            splice_from_bytes: SPLICE_FROM_BYTES,
            endpoint_cool_off: Duration::from_secs(30),
            balancing_algorithm_az_preference: AzPreference::None,
            zone: String::new(),
            empty_pool_response_code_503: false,
            sticky_session_cookie_names: vec!["JSESSIONID".into()],
            sticky_sessions_for_auth_negotiate: false,
            secure_cookies: false,
            force_forwarded_proto_https: false,
            sanitize_forwarded_proto: false,
            hop_by_hop_headers_to_filter: Vec::new(),
            max_request_header_bytes: MAX_REQUEST_HEADER_BYTES,
            max_request_headers: None,
            healthcheck_user_agent: "HTTP-Monitor/1.1".into(),
            trace_key: Secret::default(),
            http_rewrite: HttpRewrite::default(),
        }
    }
}

/// Whether endpoints of our own zone are asked first.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum AzPreference {
    /// On the first attempt, when there are any; retries ask every zone.
    LocallyOptimistic,
    /// Never.
    #[default]
    None,
}

impl ForwardConfig {
    pub(super) fn resolve(file: &File, report: &mut Report) -> Self {
        if let Some(at) = &file.balancing_algorithm_az_preference
            && at.value == "locally-optimistic"
        {
            let message = "`balancing_algorithm_az_preference` is accepted, not yet in effect";
            report.warning(at.place, message);
        }
        let default = Self::default();
        let ours = file.switchyard.clone().or_empty();
        let backends = file.backends.clone().or_empty();
        Self {
            max_attempts: max_attempts(&backends),
            max_conns: max_conns(&backends),
            endpoint_timeout: limit(file.endpoint_timeout, default.endpoint_timeout),
            response_header_timeout: limit(ours.response_header_timeout, None),
            body_idle_timeout: limit(ours.body_idle_timeout, None),
            splice_from_bytes: match ours.splice_from_bytes {
                None => default.splice_from_bytes,
                set => count(set),
            },
            endpoint_cool_off: ours.endpoint_cool_off.map_or_else(
                || registry::stale_threshold(file) / 4,
                |at| at.value.at_least_zero(),
            ),
            balancing_algorithm_az_preference: choose(
                file.balancing_algorithm_az_preference.as_ref(),
                "balancing_algorithm_az_preference",
                AzPreference::NAMES,
                report,
            ),
            zone: file.zone.clone().or_empty(),
            empty_pool_response_code_503: file.empty_pool_response_code_503.or_empty(),
            sticky_session_cookie_names: unique(
                file.sticky_session_cookie_names
                    .clone()
                    .value_or(default.sticky_session_cookie_names),
            ),
            sticky_sessions_for_auth_negotiate: file.sticky_sessions_for_auth_negotiate.or_empty(),
            secure_cookies: file.secure_cookies.or_empty(),
            force_forwarded_proto_https: file.force_forwarded_proto_https.or_empty(),
            sanitize_forwarded_proto: file.sanitize_forwarded_proto.or_empty(),
            hop_by_hop_headers_to_filter: lower_case(file.hop_by_hop_headers_to_filter.clone()),
            max_request_header_bytes: max_request_header_bytes(file),
            max_request_headers: count(file.max_request_headers),
            healthcheck_user_agent: file
                .healthcheck_user_agent
                .clone()
                .value_or(default.healthcheck_user_agent),
            trace_key: Secret::new(file.trace_key.clone().or_empty()),
            http_rewrite: HttpRewrite::resolve(file, report),
        }
    }

    /// Writes the keys of this slice.
    pub(super) fn show(&self, tree: &mut Tree) {
        tree.put("backends.max_attempts", self.max_attempts.get());
        tree.put("backends.max_conns", self.max_conns);
        tree.limit("endpoint_timeout", self.endpoint_timeout);
        tree.limit(
            "switchyard.response_header_timeout",
            self.response_header_timeout,
        );
        tree.limit("switchyard.body_idle_timeout", self.body_idle_timeout);
        tree.put(
            "switchyard.splice_from_bytes",
            count_of(self.splice_from_bytes),
        );
        tree.time("switchyard.endpoint_cool_off", self.endpoint_cool_off);
        let preference = &self.balancing_algorithm_az_preference;
        tree.choice(
            "balancing_algorithm_az_preference",
            AzPreference::NAMES,
            preference,
        );
        tree.put("zone", self.zone.as_str());
        self.show_headers(tree);
    }

    fn show_headers(&self, tree: &mut Tree) {
        tree.put(
            "empty_pool_response_code_503",
            self.empty_pool_response_code_503,
        );
        tree.put(
            "sticky_session_cookie_names",
            self.sticky_session_cookie_names.clone(),
        );
        tree.put(
            "sticky_sessions_for_auth_negotiate",
            self.sticky_sessions_for_auth_negotiate,
        );
        tree.put("secure_cookies", self.secure_cookies);
        tree.put(
            "force_forwarded_proto_https",
            self.force_forwarded_proto_https,
        );
        tree.put("sanitize_forwarded_proto", self.sanitize_forwarded_proto);
        tree.put(
            "hop_by_hop_headers_to_filter",
            self.hop_by_hop_headers_to_filter.clone(),
        );
        tree.put("max_request_header_bytes", self.max_request_header_bytes);
        tree.put("max_request_headers", count_of(self.max_request_headers));
        tree.put(
            "healthcheck_user_agent",
            self.healthcheck_user_agent.as_str(),
        );
        tree.secret("trace_key", &self.trace_key);
        self.http_rewrite.show(tree);
    }
}

impl AzPreference {
    /// How the file names them.
    pub(super) const NAMES: &[(&str, Self)] = &[
        ("none", Self::None),
        ("locally-optimistic", Self::LocallyOptimistic),
    ];
}

fn max_attempts(backends: &Backends) -> NonZeroU32 {
    let attempts = backends
        .max_attempts
        .or_empty()
        .clamp(1, i64::from(u32::MAX));
    u32::try_from(attempts)
        .ok()
        .and_then(NonZeroU32::new)
        .unwrap_or(NonZeroU32::MIN)
}

fn max_conns(backends: &Backends) -> u32 {
    let limit = backends.max_conns.or_empty().clamp(0, i64::from(u32::MAX));
    u32::try_from(limit).unwrap_or(u32::MAX)
}

fn max_request_header_bytes(file: &File) -> usize {
    // compat: anything outside of 1 to 1 MiB means 1 MiB (gorouter 7.3).
    let allowed = count(file.max_request_header_bytes).map(NonZeroUsize::get);
    allowed
        .filter(|&bytes| bytes <= MAX_REQUEST_HEADER_BYTES)
        .unwrap_or(MAX_REQUEST_HEADER_BYTES)
}

fn unique(names: Vec<String>) -> Vec<String> {
    let mut seen = Vec::with_capacity(names.len());
    for name in names {
        if !seen.contains(&name) {
            seen.push(name);
        }
    }
    seen
}

fn lower_case(names: Option<At<Vec<String>>>) -> Vec<String> {
    unique(
        names
            .or_empty()
            .iter()
            .map(|name| name.to_ascii_lowercase())
            .collect(),
    )
}

const MAX_REQUEST_HEADER_BYTES: usize = 1 << 20;
// perf: requests per CPU-second against copying, 16 connections on loopback: 256 KiB 0.91, 512 KiB
// 1.14, 1 MiB 1.34, 16 MiB 1.88.
const SPLICE_FROM_BYTES: Option<NonZeroUsize> = NonZeroUsize::new(512 << 10);

#[cfg(test)]
mod tests {
    use super::{Duration, ForwardConfig};
    use crate::config::Config;

    fn forward(text: &str) -> ForwardConfig {
        Config::parse(text, "g.yml").unwrap().config.forward
    }

    #[test]
    fn there_is_always_one_attempt() {
        for (text, attempts) in [
            ("0", 1),
            ("-3", 1),
            ("1", 1),
            ("3", 3),
            ("99999999999", u32::MAX),
        ] {
            let forward = forward(&format!("backends: {{max_attempts: {text}}}"));
            assert_eq!(forward.max_attempts.get(), attempts, "{text}");
        }
    }

    #[test]
    fn a_header_limit_outside_of_its_range_is_1_mib() {
        for (text, bytes) in [
            ("0", 1 << 20),
            ("-1", 1 << 20),
            ("1048577", 1 << 20),
            ("4096", 4096),
        ] {
            let forward = forward(&format!("max_request_header_bytes: {text}"));
            assert_eq!(forward.max_request_header_bytes, bytes, "{text}");
        }
    }

    #[test]
    fn an_endpoint_cools_off_for_a_quarter_of_the_stale_threshold() {
        let cool_off = |text| forward(text).endpoint_cool_off;
        assert_eq!(
            cool_off("droplet_stale_threshold: 40s"),
            Duration::from_secs(10)
        );
        // The threshold is raised to the start delay first.
        assert_eq!(
            cool_off("droplet_stale_threshold: 4s\nstart_response_delay_interval: 20s"),
            Duration::from_secs(5)
        );
        assert_eq!(
            cool_off("switchyard: {endpoint_cool_off: 1s}"),
            Duration::from_secs(1)
        );
        assert_eq!(
            cool_off("switchyard: {endpoint_cool_off: 0s}"),
            Duration::ZERO
        );
    }

    #[test]
    fn splicing_is_on_from_half_a_mebibyte_and_0_turns_it_off() {
        let from = |text| forward(text).splice_from_bytes.map(usize::from);
        assert_eq!(from(""), Some(524_288));
        assert_eq!(from("switchyard: {splice_from_bytes: 1}"), Some(1));
        assert_eq!(from("switchyard: {splice_from_bytes: 0}"), None);
        assert_eq!(from("switchyard: {splice_from_bytes: -1}"), None);
    }

    #[test]
    fn names_are_kept_once() {
        let forward =
            forward("sticky_session_cookie_names: [A, B, A]\nhop_by_hop_headers_to_filter: [X, x]");
        assert_eq!(forward.sticky_session_cookie_names, ["A", "B"]);
        assert_eq!(forward.hop_by_hop_headers_to_filter, ["x"]);
    }
}
