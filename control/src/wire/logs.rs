//! `switchyard.logs.<app>`: lines of an application and of what the platform does for it.

use serde::{Deserialize, Serialize};

use super::lenient;
use super::message::{Wire, first_empty};

/// Some records of one application, oldest first.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct LogBatch {
    /// The application.
    pub app: String,
    /// The records.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub records: Vec<LogRecord>,
    /// How many records were dropped since the last batch, because there was no room.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub lost: u64,
}

/// One line.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct LogRecord {
    /// When it was read, in nanoseconds since 1970.
    pub time_ns: i64,
    /// Who said it: `APP/PROC/WEB`, `STG`, `CELL`, `API` and so on.
    pub source_type: String,
    /// Index of the instance, or the name of a task.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub instance: String,
    /// Where it was said.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub stream: LogStream,
    /// The line without its end.
    pub text: String,
}

/// Where a line was said.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
pub enum LogStream {
    /// Standard error.
    #[serde(rename = "ERR")]
    Err,
    /// Standard output.
    #[default]
    #[serde(rename = "OUT")]
    Out,
}

impl Wire for LogBatch {
    fn empty_key(&self) -> Option<&'static str> {
        first_empty(&[("app", &self.app)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_written_as_it_is_read() {
        let json = r#"{"app":"a1","records":[{"time_ns":1760000000000000001,"source_type":"APP/PROC/WEB","instance":"0","stream":"ERR","text":"a \"line\"\u001b[0m é"}],"lost":3}"#;
        let batch = LogBatch::decode(json.as_bytes()).unwrap();
        assert_eq!(batch.records[0].text, "a \"line\"\u{1b}[0m é");
        assert_eq!(String::from_utf8(batch.encode()).unwrap(), json);
    }

    #[test]
    fn a_batch_without_an_application_is_dropped() {
        assert!(LogBatch::decode(br#"{"records":[]}"#).is_err());
        assert!(LogBatch::decode(br#"{"app":""}"#).is_err());
    }
}
