//! What an application and its staging said, read from the platform's recent log.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::time::sleep;

use super::client::Client;
use super::error::KatoError;

/// One line of a log.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Line {
    /// Nanoseconds since 1970, as the log store counts them.
    pub(super) time_ns: i64,
    /// `APP/PROC/WEB/0`, `STG/0`, `API/0`.
    pub(super) source: String,
    /// `OUT` or `ERR`.
    pub(super) stream: String,
    pub(super) text: String,
}

impl Line {
    /// Whether the application itself said it.
    pub(super) fn is_of_app(&self) -> bool {
        self.source.starts_with("APP")
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.time_ns / 1_000_000;
        let when = OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000)
            .ok()
            .and_then(|when| when.format(&Rfc3339).ok())
            .unwrap_or_default();
        write!(f, "{when} [{}] {} {}", self.source, self.stream, self.text)
    }
}

/// A place in an application's log, from which on lines are new.
#[derive(Debug)]
pub(super) struct Tail<'a> {
    client: &'a Client,
    app: String,
    from_ns: i64,
}

impl<'a> Tail<'a> {
    /// Begins behind the newest line.
    pub(super) async fn from_now(client: &'a Client, app: &str) -> Self {
        // Without a log store, or before the first line, everything is new.
        let newest = recent(client, app, 1).await.unwrap_or_default();
        Self {
            client,
            app: app.to_owned(),
            from_ns: newest.last().map_or(0, |line| line.time_ns + 1),
        }
    }

    /// The lines since the last call, oldest first.
    pub(super) async fn next(&mut self) -> Result<Vec<Line>, KatoError> {
        let query = format!("start_time={}&limit={PAGE}", self.from_ns);
        let lines = read(self.client, &self.app, &query).await?;
        if let Some(last) = lines.last() {
            self.from_ns = last.time_ns + 1;
        }
        Ok(lines)
    }

    /// Tells every new line for ever.
    pub(super) async fn follow(&mut self, mut tell: impl FnMut(&Line)) -> Result<(), KatoError> {
        loop {
            self.next().await?.iter().for_each(&mut tell);
            sleep(PAUSE).await;
        }
    }
}

/// The newest lines, oldest first.
pub(super) async fn recent(client: &Client, app: &str, limit: u32) -> Result<Vec<Line>, KatoError> {
    let query = format!("start_time=0&limit={limit}&descending=true");
    let mut lines = read(client, app, &query).await?;
    lines.sort_by_key(|line| line.time_ns);
    Ok(lines)
}

/// The application's own last words, for an error.
pub(super) async fn last_words(client: &Client, app: &str) -> Vec<String> {
    let lines = recent(client, app, 100).await.unwrap_or_default();
    let own: Vec<_> = lines.iter().filter(|line| line.is_of_app()).collect();
    let skipped = own.len().saturating_sub(WORDS);
    let last = own.iter().skip(skipped);
    last.map(|line| line.text.clone()).collect()
}

async fn read(client: &Client, app: &str, query: &str) -> Result<Vec<Line>, KatoError> {
    let Some(base) = &client.links().log_cache else {
        return Ok(Vec::new());
    };
    let base = base.url().as_str().trim_end_matches('/');
    let path = format!("{base}/api/v1/read/{app}?{query}&envelope_types=LOG");
    let document: Document = client.get("read the log", &path).await?;
    let batch = document.envelopes.batch.into_iter();
    Ok(batch.filter_map(Envelope::line).collect())
}

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    envelopes: Envelopes,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Envelopes {
    batch: Vec<Envelope>,
}

#[derive(Deserialize)]
struct Envelope {
    timestamp: String,
    #[serde(default)]
    instance_id: String,
    #[serde(default)]
    tags: Tags,
    log: Option<Log>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Tags {
    source_type: String,
}

#[derive(Deserialize)]
struct Log {
    payload: String,
    #[serde(rename = "type", default)]
    stream: String,
}

impl Envelope {
    fn line(self) -> Option<Line> {
        let log = self.log?;
        let text = STANDARD.decode(log.payload).ok()?;
        let source = match self.instance_id.as_str() {
            "" => self.tags.source_type,
            instance => format!("{}/{instance}", self.tags.source_type),
        };
        Some(Line {
            time_ns: self.timestamp.parse().ok()?,
            source,
            stream: log.stream,
            text: printable(String::from_utf8_lossy(&text).trim_end()),
        })
    }
}

/// The text without control characters, which would move a terminal's cursor; colours stay.
fn printable(text: &str) -> String {
    let keep = |letter: char| !letter.is_control() || letter == '\t' || letter == '\x1b';
    let colours_only = text.replace("\x1b[", "\u{0}");
    if colours_only.contains('\x1b') {
        return text.chars().filter(|c| keep(*c) && *c != '\x1b').collect();
    }
    text.chars().filter(|letter| keep(*letter)).collect()
}

const PAGE: u32 = 1000;
const WORDS: usize = 10;
const PAUSE: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_becomes_a_line_as_cf_prints_it() {
        let text = r#"{"timestamp":"1764072000123456789","instance_id":"0",
            "tags":{"source_type":"APP/PROC/WEB"},"log":{"payload":"aGVsbG8K","type":"OUT"}}"#;
        let envelope: Envelope = serde_json::from_str(text).unwrap();
        let line = envelope.line().unwrap();
        assert!(line.is_of_app());
        assert_eq!(
            line.to_string(),
            "2025-11-25T12:00:00.123Z [APP/PROC/WEB/0] OUT hello"
        );
    }

    #[test]
    fn colours_stay_and_a_bell_does_not_ring() {
        assert_eq!(printable("\x1b[32mok\x1b[0m\x07"), "\x1b[32mok\x1b[0m");
        assert_eq!(printable("\x1b]0;title\x07x"), "]0;titlex");
    }
}
