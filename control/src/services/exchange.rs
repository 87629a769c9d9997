//! One request to a broker: bounded in time and size, on a connection of its own.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, AUTHORIZATION, CONNECTION, CONTENT_TYPE, HOST, RETRY_AFTER};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde_json::{Map, Value, json};
use tokio::time::timeout;
use url::Url;

use super::ServiceSettings;
use crate::dial::Stream;
use crate::model::{ServiceBroker, holds_nul};

/// What a broker is asked.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Question {
    pub(super) method: Method,
    /// From `/v2/` on.
    pub(super) path: String,
    pub(super) query: Vec<(&'static str, String)>,
    pub(super) body: Option<Map<String, Value>>,
    /// The guid of the user in whose name it is asked; nobody for a catalogue.
    pub(super) user: Option<String>,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Told {
    /// The broker answered.
    Answer(Reply),
    /// The connection broke after the request was sent, or the answer is too long.
    Broken,
    /// No answer in time.
    Silent,
    /// No connection: nothing was sent.
    Unreachable,
}

/// An answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Reply {
    pub(super) status: u16,
    /// `None` when the body is no JSON object.
    pub(super) body: Option<Map<String, Value>>,
    pub(super) retry_after: Option<Duration>,
}

/// Where a question goes, with nothing that is secret.
pub(super) fn url_of(broker: &ServiceBroker, question: &Question) -> String {
    let base = broker.url.trim_end_matches('/');
    let mut url = format!("{base}{}", question.path);
    if !question.query.is_empty() {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&question.query)
            .finish();
        url.push('?');
        url.push_str(&query);
    }
    url
}

/// Sends a question and reads the whole answer.
pub(super) async fn ask(
    settings: &ServiceSettings,
    broker: &ServiceBroker,
    question: &Question,
) -> Told {
    let Ok(url) = Url::parse(&url_of(broker, question)) else {
        return Told::Unreachable;
    };
    let connecting = timeout(settings.connect_within, settings.trust.dial(&url));
    let Ok(Ok(stream)) = connecting.await else {
        return Told::Unreachable;
    };
    let Some(request) = request(broker, question, &url) else {
        return Told::Unreachable;
    };
    match timeout(settings.answer_within, exchange(stream, request)).await {
        Ok(Some(reply)) => Told::Answer(reply),
        Ok(None) => Told::Broken,
        Err(_late) => Told::Silent,
    }
}

async fn exchange(stream: Box<dyn Stream>, request: Request<Full<Bytes>>) -> Option<Reply> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
    // The sender moves in, so that the connection ends with the answer.
    let answer = async move {
        let response = sender.send_request(request).await.ok()?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, ANSWER_MAX_BYTES).collect().await.ok()?;
        let retry_after = head.headers.get(RETRY_AFTER);
        Some(Reply {
            status: head.status.as_u16(),
            body: object(&body.to_bytes()),
            retry_after: retry_after.and_then(|value| seconds(value.to_str().ok()?)),
        })
    };
    // What is wrong with the connection is told by the answer, which may have ended well before.
    let (answer, _ended) = tokio::join!(answer, connection);
    answer
}

fn request(broker: &ServiceBroker, question: &Question, url: &Url) -> Option<Request<Full<Bytes>>> {
    let target = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let host = match url.port() {
        Some(port) => format!("{}:{port}", url.host_str()?),
        None => url.host_str()?.to_owned(),
    };
    let credentials = format!("{}:{}", broker.username, broker.password.0);
    let basic = format!("Basic {}", BASE64_STANDARD.encode(credentials));
    let mut request = Request::builder()
        .method(question.method.clone())
        .uri(target)
        .header(HOST, host)
        .header(CONNECTION, "close")
        .header(ACCEPT, "application/json")
        .header(AUTHORIZATION, basic)
        .header("X-Broker-API-Version", "2.17")
        .header("X-Broker-API-Request-Identity", super::fresh_guid());
    if let Some(user) = &question.user {
        let identity = BASE64_STANDARD.encode(json!({ "user_id": user }).to_string());
        let identity = format!("cloudfoundry {identity}");
        request = request.header("X-Broker-API-Originating-Identity", identity);
    }
    let body = match &question.body {
        Some(body) => {
            request = request.header(CONTENT_TYPE, "application/json");
            Bytes::from(Value::Object(body.clone()).to_string())
        }
        None => Bytes::new(),
    };
    request.body(Full::new(body)).ok()
}

/// A JSON object that the store can keep.
fn object(bytes: &[u8]) -> Option<Map<String, Value>> {
    match serde_json::from_slice(bytes) {
        Ok(value) if holds_nul(&value) => None,
        Ok(Value::Object(object)) => Some(object),
        Ok(_) | Err(_) => None,
    }
}

fn seconds(text: &str) -> Option<Duration> {
    text.trim().parse().ok().map(Duration::from_secs)
}

/// Catalogues may carry pictures.
const ANSWER_MAX_BYTES: usize = 4 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{BrokerState, Micros, Secret};

    fn broker(url: &str) -> ServiceBroker {
        ServiceBroker {
            guid: "b".to_owned(),
            name: "b".to_owned(),
            url: url.to_owned(),
            username: "user".to_owned(),
            password: Secret("pass".to_owned()),
            space_guid: None,
            state: BrokerState::Available,
            created_at: Micros(0),
            updated_at: Micros(0),
        }
    }

    fn question() -> Question {
        Question {
            method: Method::PUT,
            path: "/v2/service_instances/i".to_owned(),
            query: vec![("accepts_incomplete", "true".to_owned())],
            body: Some(Map::new()),
            user: Some("ada".to_owned()),
        }
    }

    #[test]
    fn a_request_says_who_asks_in_whose_name_and_in_which_version() {
        let (broker, question) = (broker("http://h:1/base/"), question());
        let url = url_of(&broker, &question);
        let whole = "http://h:1/base/v2/service_instances/i?accepts_incomplete=true";
        assert_eq!(url, whole);
        let request = request(&broker, &question, &Url::parse(&url).unwrap()).unwrap();
        let header = |name: &str| request.headers()[name].to_str().unwrap();
        assert_eq!(header("X-Broker-API-Version"), "2.17");
        assert_eq!(header("Authorization"), "Basic dXNlcjpwYXNz");
        assert_eq!(
            header("X-Broker-API-Originating-Identity"),
            "cloudfoundry eyJ1c2VyX2lkIjoiYWRhIn0="
        );
        assert_eq!(header("X-Broker-API-Request-Identity").len(), 36);
        assert_eq!(header("Host"), "h:1");
    }

    #[test]
    fn only_an_object_that_can_be_kept_is_an_answer() {
        assert!(object(b"{\"a\":[{\"b\":\"c\"}]}").is_some());
        for bad in [
            "",
            "[]",
            "<html>",
            "{\"a\":\"\\u0000\"}",
            "{\"a\":[{\"\\u0000\":1}]}",
        ] {
            assert_eq!(object(bad.as_bytes()), None, "{bad}");
        }
    }
}
