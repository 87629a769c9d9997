//! Logs and metrics.

use std::path::PathBuf;

use super::Buckets;
use super::error::Report;
use super::file::{AccessLog, File, Logging};
use super::read::{At, Field, choose};
use super::registry::some_path;
use super::show::{Tree, name_of};
use super::upstream::count;

/// What `observe` needs.
#[derive(Clone, Debug, PartialEq)]
pub struct ObserveConfig {
    /// `access_log.file` (default off): file that gets one line per exchange.
    pub access_log_file: Option<PathBuf>,
    /// `access_log.enable_streaming` (default `false`): access log to syslog; accepted, not yet in effect.
    pub enable_streaming: bool,
    /// `logging.level` (default `debug`): lowest level that is printed: `debug`, `info`, `warn`, `error`; `dpanic`, `panic` and `fatal` mean `error`.
    pub level: LogLevel,
    /// `logging.format.timestamp` (default `unix-epoch`): `rfc3339`, or anything else for seconds since the epoch.
    pub timestamp: TimestampFormat,
    /// `logging.syslog` (default `gorouter.stdout`): source of our events; empty means the default.
    pub source: String,
    /// `logging.disable_log_forwarded_for` (default `false`): the access log hides `X-Forwarded-For`.
    pub disable_log_forwarded_for: bool,
    /// `logging.disable_log_source_ip` (default `false`): the access log hides the client's address.
    pub disable_log_source_ip: bool,
    /// `logging.redact_query_params` (default `none`): `none`, `all` or `hash`; what the access log shows of a GET's query.
    pub redact_query_params: QueryRedaction,
    /// `logging.extra_access_log_fields` (default `[]`): further fields, in this order, each once; unknown names are skipped.
    pub extra_access_log_fields: Vec<ExtraLogField>,
    /// `extra_headers_to_log` (default `[]`): request headers that the access log shows at its end.
    pub extra_headers_to_log: Vec<String>,
    /// `per_request_metrics_reporting` (default `true`): fills `latency`, `gorouter_time` and `route_lookup_time`.
    pub per_request_metrics_reporting: bool,
    /// `prometheus.meters` (default gorouter's lists): upper bounds of the histograms' buckets.
    pub meters: Buckets,
    /// `switchyard.access_log_buffer_bytes` (default `1048576`): ring between one worker and the log writer; what does not fit is dropped and counted.
    pub access_log_buffer_bytes: usize,
}

impl Default for ObserveConfig {
    fn default() -> Self {
        Self {
            access_log_file: None,
            enable_streaming: false,
            level: LogLevel::Debug,
            timestamp: TimestampFormat::UnixEpoch,
            source: "gorouter.stdout".into(),
            disable_log_forwarded_for: false,
            disable_log_source_ip: false,
            redact_query_params: QueryRedaction::None,
            extra_access_log_fields: Vec::new(),
            extra_headers_to_log: Vec::new(),
            per_request_metrics_reporting: true,
            meters: Buckets::default(),
            access_log_buffer_bytes: 1 << 20,
        }
    }
}

/// An optional field of the access log.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ExtraLogField {
    /// `backend_time`: the successful attempt, seconds.
    BackendTime,
    /// `dial_time`: TCP connect, seconds.
    DialTime,
    /// `dns_time`: name resolution, seconds.
    DnsTime,
    /// `failed_attempts`: their number.
    FailedAttempts,
    /// `failed_attempts_time`: what they took, seconds.
    FailedAttemptsTime,
    /// `local_address`: our end of the client's connection.
    LocalAddress,
    /// `tls_time`: TLS handshake, seconds.
    TlsTime,
}

/// Lowest level of the events that are printed.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum LogLevel {
    /// Everything an operator may want.
    #[default]
    Debug,
    /// Life cycle and membership.
    Info,
    /// Degraded, but coping.
    Warn,
    /// Someone should look.
    Error,
}

/// What the access log shows of a GET's query.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum QueryRedaction {
    /// Nothing.
    All,
    /// `hash=` and the SHA-1 of the query.
    Hash,
    /// The query.
    #[default]
    None,
}

/// How events show their time.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum TimestampFormat {
    /// Local time with nine digits, printed with a `Z`.
    Rfc3339,
    /// Seconds since 1970 with a fraction.
    #[default]
    UnixEpoch,
}

impl ObserveConfig {
    pub(super) fn resolve(file: &File, report: &mut Report) -> Self {
        let default = Self::default();
        let access_log = file.access_log.clone().or_empty();
        let logging = file.logging.clone().or_empty();
        let ours = file.switchyard.clone().or_empty();
        Self {
            enable_streaming: streaming(&access_log, report),
            access_log_file: some_path(access_log.file),
            level: level(&logging, report),
            timestamp: timestamp(&logging),
            redact_query_params: choose(
                logging.redact_query_params.as_ref(),
                "logging.redact_query_params",
                QueryRedaction::NAMES,
                report,
            ),
            extra_access_log_fields: extra_fields(&logging, report),
            source: logging
                .syslog
                .map(|at| at.value)
                .filter(|text| !text.is_empty())
                .unwrap_or(default.source),
            disable_log_forwarded_for: logging.disable_log_forwarded_for.or_empty(),
            disable_log_source_ip: logging.disable_log_source_ip.or_empty(),
            extra_headers_to_log: file.extra_headers_to_log.clone().or_empty(),
            per_request_metrics_reporting: file
                .per_request_metrics_reporting
                .value_or(default.per_request_metrics_reporting),
            meters: Buckets::resolve(file, report),
            access_log_buffer_bytes: count(ours.access_log_buffer_bytes)
                .map_or(default.access_log_buffer_bytes, std::num::NonZero::get),
        }
    }

    /// Writes the keys of this slice.
    pub(super) fn show(&self, tree: &mut Tree) {
        tree.path("access_log.file", self.access_log_file.as_deref());
        tree.put("access_log.enable_streaming", self.enable_streaming);
        tree.choice("logging.level", LogLevel::NAMES, &self.level);
        let timestamp = match self.timestamp {
            TimestampFormat::Rfc3339 => "rfc3339",
            TimestampFormat::UnixEpoch => "unix-epoch",
        };
        tree.put("logging.format.timestamp", timestamp);
        tree.put("logging.syslog", self.source.as_str());
        tree.put(
            "logging.disable_log_forwarded_for",
            self.disable_log_forwarded_for,
        );
        tree.put("logging.disable_log_source_ip", self.disable_log_source_ip);
        let redaction = &self.redact_query_params;
        tree.choice(
            "logging.redact_query_params",
            QueryRedaction::NAMES,
            redaction,
        );
        let fields = self.extra_access_log_fields.iter();
        let names: Vec<_> = fields
            .map(|field| name_of(ExtraLogField::NAMES, field))
            .collect();
        tree.put("logging.extra_access_log_fields", names);
        tree.put("extra_headers_to_log", self.extra_headers_to_log.clone());
        tree.put(
            "per_request_metrics_reporting",
            self.per_request_metrics_reporting,
        );
        tree.put(
            "switchyard.access_log_buffer_bytes",
            self.access_log_buffer_bytes,
        );
        let meters = &self.meters;
        for (name, bounds) in [
            ("gorouter_time", &meters.gorouter_time_histogram_buckets),
            ("http_latency", &meters.http_latency_histogram_buckets),
            (
                "route_lookup_time",
                &meters.route_lookup_time_histogram_buckets,
            ),
            (
                "route_registration_latency",
                &meters.route_registration_latency_histogram_buckets,
            ),
            (
                "routing_response_latency",
                &meters.routing_response_latency_histogram_buckets,
            ),
        ] {
            tree.put(
                &format!("prometheus.meters.{name}_histogram_buckets"),
                bounds.clone(),
            );
        }
    }
}

fn streaming(access_log: &AccessLog, report: &mut Report) -> bool {
    let enabled = access_log.enable_streaming.filter(|at| at.value);
    if let Some(at) = enabled {
        report.warning(
            at.place,
            "`access_log.enable_streaming` is accepted, not yet in effect",
        );
    }
    enabled.is_some()
}

fn level(logging: &Logging, report: &mut Report) -> LogLevel {
    let lower = logging.level.clone().map(|at| At {
        value: at.value.to_lowercase(),
        ..at
    });
    choose(lower.as_ref(), "logging.level", LogLevel::NAMES, report)
}

fn timestamp(logging: &Logging) -> TimestampFormat {
    let format = logging.format.clone().or_empty().timestamp.or_empty();
    // compat: every other word means the epoch (gorouter 9.3).
    if format == "rfc3339" {
        TimestampFormat::Rfc3339
    } else {
        TimestampFormat::UnixEpoch
    }
}

fn extra_fields(logging: &Logging, report: &mut Report) -> Vec<ExtraLogField> {
    let mut fields = Vec::new();
    for at in logging.extra_access_log_fields.clone().or_empty() {
        match ExtraLogField::NAMES
            .iter()
            .find(|(name, _)| *name == at.value)
        {
            Some((_, field)) if fields.contains(field) => {}
            Some((_, field)) => fields.push(*field),
            // compat: unknown names are skipped (gorouter 9.1).
            None => {
                let name = at.value.escape_debug();
                report.warning(
                    at.place,
                    format!("unknown access log field `{name}` is skipped"),
                );
            }
        }
    }
    fields
}

impl ExtraLogField {
    /// How the file and the access log name them.
    pub const NAMES: &[(&str, Self)] = &[
        ("backend_time", Self::BackendTime),
        ("dial_time", Self::DialTime),
        ("dns_time", Self::DnsTime),
        ("failed_attempts", Self::FailedAttempts),
        ("failed_attempts_time", Self::FailedAttemptsTime),
        ("local_address", Self::LocalAddress),
        ("tls_time", Self::TlsTime),
    ];
}

impl LogLevel {
    /// How the file names them; the first name of a level is its own.
    pub(super) const NAMES: &[(&str, Self)] = &[
        ("debug", Self::Debug),
        ("info", Self::Info),
        ("warn", Self::Warn),
        ("error", Self::Error),
        ("dpanic", Self::Error),
        ("panic", Self::Error),
        ("fatal", Self::Error),
    ];
}

impl QueryRedaction {
    /// How the file names them.
    pub(super) const NAMES: &[(&str, Self)] = &[
        ("none", Self::None),
        ("all", Self::All),
        ("hash", Self::Hash),
    ];
}
