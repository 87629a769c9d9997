//! Line: a record as the bytes that gorouter would write.

use std::io::Write;
use std::time::Duration;

use aws_lc_rs::digest;

use crate::config::{ExtraLogField, ObserveConfig, QueryRedaction};
use crate::observe::stamp::{Stamp, padded};
use crate::observe::zone::Zone;

use super::quote;
use super::record::Record;

/// Writes lines as the operator wants them. One per core: it remembers the current second.
#[derive(Clone, Debug)]
pub struct LineWriter {
    stamp: Stamp,
    redaction: QueryRedaction,
    source_ip: Shown,
    forwarded_for: Shown,
    extra_fields: Box<[ExtraLogField]>,
    /// ` x_some_header:"` for each of `extra_headers_to_log`.
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
        let label = |header: &String| format!(" {}:\"", header.to_lowercase().replace('-', "_"));
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
    // perf: bench access_log/line. Texts that need an escape are rare: so all are copied as they are,
    // one look at the whole line tells whether that was right, and a line that was not is made anew.
    pub fn write_line(&mut self, out: &mut Vec<u8>, record: &Record<'_>) {
        let start = out.len();
        let quotes = self.write(Draft::new(out, Texts::AsTheyAre), record);
        if !quote::is_right(out.get(start..).unwrap_or_default(), quotes) {
            out.truncate(start);
            self.write(Draft::new(out, Texts::Escaped), record);
        }
        out.push(b'\n');
    }

    /// Returns how many quotation marks are the line's own.
    fn write(&mut self, mut draft: Draft<'_>, record: &Record<'_>) -> usize {
        draft.out.extend_from_slice(record.host);
        draft.out.extend_from_slice(b" - [");
        self.stamp.write(draft.out, record.received_at);
        draft.out.extend_from_slice(b"] ");
        self.write_request(&mut draft, record);
        self.write_peers(&mut draft, record);
        write_times(&mut draft, record);
        self.write_endpoint(&mut draft, record);
        draft.quoted(b" x_cf_routererror:\"", record.router_error);
        let mut values = record.extra_headers.iter();
        for label in &self.extra_headers {
            draft.quoted(label, values.next().copied().unwrap_or_default());
        }
        draft.quotes
    }

    fn write_request(&self, draft: &mut Draft<'_>, record: &Record<'_>) {
        draft.out.push(b'"');
        draft.text(record.method);
        draft.out.push(b' ');
        self.write_uri(draft, record);
        draft.out.push(b' ');
        draft.text(record.protocol.as_bytes());
        draft.out.extend_from_slice(b"\" ");
        draft.quotes += 2;
        match record.status {
            0 => draft.dash(),
            status => number(draft.out, status),
        }
        draft.out.push(b' ');
        number(draft.out, record.request_bytes);
        draft.out.push(b' ');
        number(draft.out, record.response_bytes);
    }

    fn write_uri(&self, draft: &mut Draft<'_>, record: &Record<'_>) {
        // compat: only GET is redacted (gorouter accesslog/schema/access_log_record.go).
        if self.redaction == QueryRedaction::None || record.method != b"GET" {
            return draft.text(record.uri);
        }
        let query_at = memchr::memchr(b'?', record.uri).unwrap_or(record.uri.len());
        let (path, query) = record
            .uri
            .split_at_checked(query_at)
            .unwrap_or((record.uri, b""));
        draft.text(path);
        if let (QueryRedaction::Hash, [b'?', query @ ..]) = (self.redaction, query)
            && !query.is_empty()
        {
            draft.out.extend_from_slice(b"?hash=");
            let sha1 = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, query);
            for byte in sha1.as_ref() {
                let nibbles = [byte >> 4, byte & 0xf].map(u32::from);
                let hex = nibbles.map(|nibble| char::from_digit(nibble, 16).unwrap_or('0') as u8);
                draft.out.extend_from_slice(&hex);
            }
        }
    }

    fn write_peers(&self, draft: &mut Draft<'_>, record: &Record<'_>) {
        draft.quoted(b" \"", record.referer);
        draft.quoted(b" \"", record.user_agent);
        draft.quoted(b" \"", self.source_ip.filter(record.client));
        draft.quoted(b" \"", record.endpoint);
        let forwarded_for = self.forwarded_for.filter(record.forwarded_for);
        draft.quoted(b" x_forwarded_for:\"", forwarded_for);
        draft.quoted(b" x_forwarded_proto:\"", record.forwarded_proto);
        draft.quoted(b" vcap_request_id:\"", record.request_id);
    }

    fn write_endpoint(&self, draft: &mut Draft<'_>, record: &Record<'_>) {
        draft.quoted(b" app_id:\"", record.app_id);
        draft.quoted(b" app_index:\"", record.app_index);
        draft.quoted(b" instance_id:\"", record.instance_id);
        for field in &self.extra_fields {
            write_extra(draft, *field, record);
        }
    }
}

fn write_times(draft: &mut Draft<'_>, record: &Record<'_>) {
    draft.out.extend_from_slice(b" response_time:");
    seconds(draft.out, record.response_time);
    draft.out.extend_from_slice(b" gorouter_time:");
    draft.seconds_or_dash(record.gorouter_time);
}

fn write_extra(draft: &mut Draft<'_>, field: ExtraLogField, record: &Record<'_>) {
    let extra = &record.extra;
    let (label, time): (&[u8], _) = match field {
        ExtraLogField::BackendTime => (b" backend_time:", extra.backend_time),
        ExtraLogField::DialTime => (b" dial_time:", extra.dial_time),
        ExtraLogField::DnsTime => (b" dns_time:", extra.dns_time),
        ExtraLogField::FailedAttempts => {
            draft.out.extend_from_slice(b" failed_attempts:");
            return number(draft.out, extra.failed_attempts);
        }
        ExtraLogField::FailedAttemptsTime => {
            (b" failed_attempts_time:", extra.failed_attempts_time)
        }
        ExtraLogField::LocalAddress => {
            return draft.quoted(b" local_address:\"", extra.local_address);
        }
        ExtraLogField::TlsTime => (b" tls_time:", extra.tls_time),
    };
    draft.out.extend_from_slice(label);
    draft.seconds_or_dash(time);
}

/// A line in the making.
struct Draft<'o> {
    out: &'o mut Vec<u8>,
    texts: Texts,
    /// Quotation marks that are the line's own.
    quotes: usize,
}

/// How texts are written.
#[derive(Clone, Copy)]
enum Texts {
    AsTheyAre,
    Escaped,
}

impl<'o> Draft<'o> {
    fn new(out: &'o mut Vec<u8>, texts: Texts) -> Self {
        Self {
            out,
            texts,
            quotes: 0,
        }
    }

    fn text(&mut self, text: &[u8]) {
        match self.texts {
            Texts::AsTheyAre => self.out.extend_from_slice(text),
            Texts::Escaped => quote::escaped(self.out, text),
        }
    }

    /// Appends a label, which ends with a quotation mark, and a text, for which a dash stands when
    /// it is empty.
    fn quoted(&mut self, label: &[u8], text: &[u8]) {
        self.out.extend_from_slice(label);
        self.text(if text.is_empty() { b"-" } else { text });
        self.out.push(b'"');
        self.quotes += 2;
    }

    fn dash(&mut self) {
        self.quoted(b"\"", b"");
    }

    fn seconds_or_dash(&mut self, time: Option<Duration>) {
        match time {
            Some(time) => seconds(self.out, time),
            None => self.dash(),
        }
    }
}

fn number(out: &mut Vec<u8>, value: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
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
    let whole = time.as_secs() + u64::from(micros / 1_000_000);
    match u8::try_from(whole) {
        Ok(whole @ 0..10) => out.push(b'0' + whole), // nearly every one
        _ => number(out, whole),
    }
    out.push(b'.');
    padded(out, micros % 1_000_000, 1_000_000);
}
