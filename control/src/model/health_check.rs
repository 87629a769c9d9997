//! Health checks: when an instance counts as alive, and when it may serve.

use serde_json::{Map, Value, json};

use super::words::words;

words! {
    /// How an instance is asked.
    HealthCheckKind {
        /// A GET must answer 200.
        Http = "http",
        /// A TCP connection must be accepted.
        Port = "port",
        /// Its process must live.
        Process = "process",
    }
}

/// One check, for liveness or for readiness; times in seconds, `None` is the platform's default.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HealthCheck {
    /// How the instance is asked.
    pub kind: HealthCheckKind,
    /// What is asked for, when the check is by HTTP.
    pub endpoint: Option<String>,
    /// How long an instance may take until the first success.
    pub timeout: Option<u32>,
    /// How long one answer may take.
    pub invocation_timeout: Option<u32>,
    /// From one question to the next.
    pub interval: Option<u32>,
}

impl HealthCheck {
    /// The check of a process that names none: a port for `web`, a living process for others.
    #[must_use]
    pub fn of_process_type(process_type: &str) -> Self {
        Self::of_kind(if process_type == "web" {
            HealthCheckKind::Port
        } else {
            HealthCheckKind::Process
        })
    }

    /// A check of one kind with every default.
    #[must_use]
    pub const fn of_kind(kind: HealthCheckKind) -> Self {
        Self {
            kind,
            endpoint: None,
            timeout: None,
            invocation_timeout: None,
            interval: None,
        }
    }

    /// The document that the store, the bus and the client API carry.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut data = Map::new();
        if self.kind == HealthCheckKind::Http {
            let endpoint = self.endpoint.as_deref().unwrap_or("/");
            data.insert("endpoint".to_owned(), json!(endpoint));
        }
        data.insert("timeout".to_owned(), json!(self.timeout));
        data.insert(
            "invocation_timeout".to_owned(),
            json!(self.invocation_timeout),
        );
        data.insert("interval".to_owned(), json!(self.interval));
        json!({ "type": self.kind.as_str(), "data": data })
    }

    /// Reads the document over `base`: what it does not say stays as it was.
    ///
    /// # Errors
    ///
    /// Every problem in the client API's words, such as `Type must be "port", "process", or "http"`.
    pub fn read(document: &Value, base: &Self) -> Result<Self, Vec<String>> {
        let Some(document) = document.as_object() else {
            return Err(vec!["must be an object".to_owned()]);
        };
        let mut check = base.clone();
        let mut problems = Vec::new();
        match document.get("type") {
            None => {}
            Some(word) => match word.as_str().and_then(HealthCheckKind::parse) {
                Some(kind) => check.kind = kind,
                None => {
                    problems.push("type must be \"port\", \"process\", or \"http\"".to_owned());
                }
            },
        }
        match document.get("data") {
            None | Some(Value::Null) => {}
            Some(Value::Object(data)) => check.read_fields(data, &mut problems),
            Some(_) => problems.push("data must be an object".to_owned()),
        }
        if check.kind != HealthCheckKind::Http {
            check.endpoint = None;
        }
        if problems.is_empty() {
            Ok(check)
        } else {
            Err(problems)
        }
    }

    fn read_fields(&mut self, data: &Map<String, Value>, problems: &mut Vec<String>) {
        for (name, value) in data {
            let seconds = match name.as_str() {
                "endpoint" => {
                    match endpoint(value) {
                        Ok(endpoint) => self.endpoint = endpoint,
                        Err(problem) => problems.push(problem),
                    }
                    continue;
                }
                "timeout" => &mut self.timeout,
                "invocation_timeout" => &mut self.invocation_timeout,
                "interval" => &mut self.interval,
                other => {
                    problems.push(format!("data has an unknown field '{other}'"));
                    continue;
                }
            };
            match positive(value) {
                Some(number) => *seconds = number,
                None => problems.push(format!("{name} must be an integer greater than 0")),
            }
        }
    }
}

/// A whole number of seconds, or nothing; `None` when it is neither.
#[expect(
    clippy::option_option,
    reason = "the outer level says whether it could be read, the inner one whether it was given"
)]
fn positive(value: &Value) -> Option<Option<u32>> {
    if value.is_null() {
        return Some(None);
    }
    let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
    number.filter(|&number| number > 0).map(Some)
}

fn endpoint(value: &Value) -> Result<Option<String>, String> {
    match value {
        Value::Null => Ok(None),
        Value::String(path) if path.starts_with('/') && !path.contains(char::is_whitespace) => {
            Ok(Some(path.clone()))
        }
        _ => Err("endpoint must be a valid URI path".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_web_process_is_asked_at_its_port_and_others_by_their_life() {
        assert_eq!(HealthCheck::of_process_type("web").kind.as_str(), "port");
        assert_eq!(
            HealthCheck::of_process_type("worker").kind.as_str(),
            "process"
        );
    }

    #[test]
    fn a_document_is_read_as_it_is_written() {
        let check = HealthCheck {
            endpoint: Some("/healthz".to_owned()),
            timeout: Some(30),
            interval: Some(5),
            ..HealthCheck::of_kind(HealthCheckKind::Http)
        };
        let base = HealthCheck::of_process_type("worker");
        assert_eq!(HealthCheck::read(&check.to_json(), &base), Ok(check));
    }

    #[test]
    fn what_is_not_said_stays() {
        let base = HealthCheck {
            timeout: Some(9),
            ..HealthCheck::of_process_type("web")
        };
        let read = HealthCheck::read(&json!({ "type": "process" }), &base);
        assert_eq!(read.map(|check| check.timeout), Ok(Some(9)));
    }

    #[test]
    fn a_check_that_is_not_by_http_has_no_endpoint() {
        let base = HealthCheck {
            endpoint: Some("/x".to_owned()),
            ..HealthCheck::of_kind(HealthCheckKind::Http)
        };
        let read = HealthCheck::read(&json!({ "type": "port" }), &base);
        assert_eq!(read.map(|check| check.endpoint), Ok(None));
    }

    #[test]
    fn all_problems_are_told_at_once() {
        let document =
            json!({ "type": "smell", "data": { "timeout": 0, "endpoint": "x", "wait": 1 } });
        let problems =
            HealthCheck::read(&document, &HealthCheck::of_process_type("web")).unwrap_err();
        assert_eq!(problems.len(), 4, "{problems:?}");
    }
}
