//! Line: a record as the bytes that gorouter would write.

use std::io::Write;
use std::time::Duration;

use aws_lc_rs::digest;

use crate::config::{ExtraLogField, ObserveConfig, QueryRedaction};
use crate::observe::stamp::{Stamp, padded};
use crate::observe::zone::Zone;

use super::quote::{DASH, escaped, quoted_or_dash};
use super::record::Record;

/// Writes lines as the operator wants them. One per core: it remembers the current second.
#[derive(Clone, Debug)]
pub struct LineWriter {
    stamp: Stamp,
    redaction: QueryRedaction,
    source_ip: Shown,
    forwarded_for: Shown,
    extra_fields: Box<[ExtraLogField]>,
    /// ` x_some_header:` for each of `extra_headers_to_log`.
    extra_headers: Box<[Box<[u8]>]>,
}

/// Whether a fact about the client is in the log.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Shown {
    AsItIs,
    Hidden,
}

impl Shown {
    fn unless(disabled: bool) -> Self {
        if disabled { Self::Hidden } else { Self::AsItIs }
    }

    fn filter(self, value: &[u8]) -> &[u8] {
        match self {
            Self::AsItIs => value,
            Self::Hidden => b"",
        }
    }
}

impl LineWriter {
    /// Writes lines with times in this zone.
    #[must_use]
    pub fn new(config: &ObserveConfig, zone: Zone) -> Self {
        let label = |header: &String| format!(" {}:", header.to_lowercase().replace('-', "_"));
        let labels = config.extra_headers_to_log.iter().map(label);
        Self {
            stamp: Stamp::new(zone),
            redaction: config.redact_query_params,
            source_ip: Shown::unless(config.disable_log_source_ip),
            forwarded_for: Shown::unless(config.disable_log_forwarded_for),
            extra_fields: config.extra_access_log_fields.clone().into(),
            extra_headers: labels.map(|label| label.into_bytes().into()).collect(),
        }
    }

    /// Appends the line of one exchange, with its line feed. No allocation once `out` has grown.
    // perf: bench access_log/line.
    pub fn write_line(&mut self, out: &mut Vec<u8>, record: &Record<'_>) {
        out.extend_from_slice(record.host);
        out.extend_from_slice(b" - [");
        self.stamp.write(out, record.received_at);
        out.extend_from_slice(b"] ");
        self.write_request(out, record);
        self.write_peers(out, record);
        write_times(out, record);
        self.write_endpoint(out, record);
        out.extend_from_slice(b" x_cf_routererror:");
        quoted_or_dash(out, record.router_error);
        self.write_extra_headers(out, record);
        out.push(b'\n');
    }

    fn write_request(&self, out: &mut Vec<u8>, record: &Record<'_>) {
        out.push(b'"');
        escaped(out, record.method);
        out.push(b' ');
        self.write_uri(out, record);
        out.push(b' ');
        escaped(out, record.protocol.as_bytes());
        out.extend_from_slice(b"\" ");
        match record.status {
            0 => out.extend_from_slice(DASH),
            status => number(out, status),
        }
        out.push(b' ');
        number(out, record.request_bytes);
        out.push(b' ');
        number(out, record.response_bytes);
    }

    fn write_uri(&self, out: &mut Vec<u8>, record: &Record<'_>) {
        // compat: only GET is redacted (gorouter accesslog/schema/access_log_record.go).
        if self.redaction == QueryRedaction::None || record.method != b"GET" {
            return escaped(out, record.uri);
        }
        let query_at = memchr::memchr(b'?', record.uri).unwrap_or(record.uri.len());
        let (path, query) = record
            .uri
            .split_at_checked(query_at)
            .unwrap_or((record.uri, b""));
        escaped(out, path);
        if let (QueryRedaction::Hash, [b'?', query @ ..]) = (self.redaction, query)
            && !query.is_empty()
        {
            out.extend_from_slice(b"?hash=");
            let sha1 = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, query);
            for byte in sha1.as_ref() {
                let nibbles = [byte >> 4, byte & 0xf].map(u32::from);
                let hex = nibbles.map(|nibble| char::from_digit(nibble, 16).unwrap_or('0') as u8);
                out.extend_from_slice(&hex);
            }
        }
    }

    fn write_peers(&self, out: &mut Vec<u8>, record: &Record<'_>) {
        let client = self.source_ip.filter(record.client);
        for value in [record.referer, record.user_agent, client, record.endpoint] {
            out.push(b' ');
            quoted_or_dash(out, value);
        }
        out.extend_from_slice(b" x_forwarded_for:");
        quoted_or_dash(out, self.forwarded_for.filter(record.forwarded_for));
        out.extend_from_slice(b" x_forwarded_proto:");
        quoted_or_dash(out, record.forwarded_proto);
        out.extend_from_slice(b" vcap_request_id:");
        quoted_or_dash(out, record.request_id);
    }

    fn write_endpoint(&self, out: &mut Vec<u8>, record: &Record<'_>) {
        out.extend_from_slice(b" app_id:");
        quoted_or_dash(out, record.app_id);
        out.extend_from_slice(b" app_index:");
        quoted_or_dash(out, record.app_index);
        out.extend_from_slice(b" instance_id:");
        quoted_or_dash(out, record.instance_id);
        for field in &self.extra_fields {
            write_extra(out, *field, record);
        }
    }

    fn write_extra_headers(&self, out: &mut Vec<u8>, record: &Record<'_>) {
        let mut values = record.extra_headers.iter();
        for label in &self.extra_headers {
            out.extend_from_slice(label);
            quoted_or_dash(out, values.next().unwrap_or(&b"".as_slice()));
        }
    }
}

fn write_times(out: &mut Vec<u8>, record: &Record<'_>) {
    out.extend_from_slice(b" response_time:");
    seconds(out, record.response_time);
    out.extend_from_slice(b" gorouter_time:");
    seconds_or_dash(out, record.gorouter_time);
}

fn write_extra(out: &mut Vec<u8>, field: ExtraLogField, record: &Record<'_>) {
    let extra = &record.extra;
    let (label, time): (&[u8], _) = match field {
        ExtraLogField::BackendTime => (b" backend_time:", extra.backend_time),
        ExtraLogField::DialTime => (b" dial_time:", extra.dial_time),
        ExtraLogField::DnsTime => (b" dns_time:", extra.dns_time),
        ExtraLogField::FailedAttempts => {
            out.extend_from_slice(b" failed_attempts:");
            return number(out, extra.failed_attempts);
        }
        ExtraLogField::FailedAttemptsTime => {
            (b" failed_attempts_time:", extra.failed_attempts_time)
        }
        ExtraLogField::LocalAddress => {
            out.extend_from_slice(b" local_address:");
            return quoted_or_dash(out, extra.local_address);
        }
        ExtraLogField::TlsTime => (b" tls_time:", extra.tls_time),
    };
    out.extend_from_slice(label);
    seconds_or_dash(out, time);
}

fn number(out: &mut Vec<u8>, value: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

fn seconds_or_dash(out: &mut Vec<u8>, time: Option<Duration>) {
    match time {
        Some(time) => seconds(out, time),
        None => out.extend_from_slice(DASH),
    }
}

/// Appends seconds with six decimals, rounded as Go rounds the same float.
fn seconds(out: &mut Vec<u8>, time: Duration) {
    let nanos = time.subsec_nanos();
    if nanos % 1_000 == 500 {
        // compat: gorouter divides into a float first, and only the float tells which way a tie
        // falls. Once in a thousand lines this is worth its 100 ns.
        let written = write!(out, "{:.6}", time.as_nanos() as f64 / 1e9);
        debug_assert!(written.is_ok(), "a vector takes every write");
        return;
    }
    let micros = (nanos + 500) / 1_000;
    number(out, time.as_secs() + u64::from(micros / 1_000_000));
    out.push(b'.');
    padded(out, micros % 1_000_000, 1_000_000);
}
