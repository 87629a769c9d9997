//! One request over HTTP/1.1, on a connection of its own.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, AUTHORIZATION, CONNECTION, CONTENT_TYPE, HOST, LOCATION, USER_AGENT};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::time::timeout;
use url::Url;

use crate::dial::{Stream, Trust};

use super::upload::Upload;

/// What is asked, so that it can be asked again.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) payload: Payload,
    /// The value of the Authorization field, if any.
    pub(super) authorization: Option<String>,
}

/// What goes with a question.
#[derive(Clone, Debug)]
pub(super) enum Payload {
    Form(String),
    Json(String),
    None,
    Upload(Upload),
    Yaml(String),
}

/// What came back.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    /// Where a job can be followed.
    pub(super) location: Option<String>,
    pub(super) body: Bytes,
}

/// Why nothing came back.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The answer broke off or is too long.
    #[error("the answer broke off, or is longer than {ANSWER_MAX_BYTES} bytes")]
    Body,
    /// The peer does not listen.
    #[error("cannot connect to {authority}")]
    Connect {
        /// Host and port.
        authority: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// The peer broke the exchange.
    #[error("the exchange failed")]
    Exchange(#[source] hyper::Error),
    /// The peer is too slow.
    #[error("no answer within {} s", .0.as_secs())]
    Late(Duration),
    /// The address cannot be used for a request.
    #[error("`{0}` cannot be asked for: it must be an http:// or https:// address")]
    Unusable(String),
}

/// Sends the question and reads the whole answer.
pub(super) async fn ask(trust: &Trust, question: &Question) -> Result<Reply, TransportError> {
    let limit = match question.payload {
        Payload::Upload(_) => UPLOAD_LIMIT,
        Payload::Form(_) | Payload::Json(_) | Payload::None | Payload::Yaml(_) => ANSWER_LIMIT,
    };
    timeout(limit, exchange(trust, question))
        .await
        .unwrap_or(Err(TransportError::Late(limit)))
}

async fn exchange(trust: &Trust, question: &Question) -> Result<Reply, TransportError> {
    let stream = connect(trust, &question.url).await?;
    let request = request(question).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(TransportError::Exchange)?;
    // The sender moves in, so that the connection ends with the answer.
    let answer = async move {
        let response = sender
            .send_request(request)
            .await
            .map_err(TransportError::Exchange)?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, ANSWER_MAX_BYTES)
            .collect()
            .await
            .map_err(|_| TransportError::Body)?;
        let location = head.headers.get(LOCATION);
        Ok(Reply {
            status: head.status,
            location: location.and_then(|value| Some(value.to_str().ok()?.to_owned())),
            body: body.to_bytes(),
        })
    };
    // The connection is driven beside the answer, not by a task that could outlive it.
    let (answer, _closed) = tokio::join!(answer, connection);
    answer
}

async fn connect(trust: &Trust, url: &Url) -> Result<Box<dyn Stream>, TransportError> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(TransportError::Unusable(url.to_string()));
    }
    let connected = trust.dial(url).await;
    connected.map_err(|source| TransportError::Connect {
        authority: url.authority().to_owned(),
        source,
    })
}

async fn request(
    question: &Question,
) -> Result<Request<UnsyncBoxBody<Bytes, io::Error>>, TransportError> {
    let url = &question.url;
    let target = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let mut request = Request::builder()
        .method(&question.method)
        .uri(target)
        .header(HOST, authority(url))
        .header(USER_AGENT, concat!("kato/", env!("CARGO_PKG_VERSION")))
        .header(ACCEPT, "application/json")
        .header(CONNECTION, "close");
    if let Some(authorization) = &question.authorization {
        request = request.header(AUTHORIZATION, authorization);
    }
    let (kind, body) = match &question.payload {
        Payload::None => (None, whole(String::new())),
        Payload::Form(text) => (Some(FORM.to_owned()), whole(text.clone())),
        Payload::Json(text) => (Some(JSON.to_owned()), whole(text.clone())),
        Payload::Yaml(text) => (Some(YAML.to_owned()), whole(text.clone())),
        Payload::Upload(upload) => (Some(upload.content_type()), upload.body().await?),
    };
    if let Some(kind) = kind {
        request = request.header(CONTENT_TYPE, kind);
    }
    request
        .body(body)
        .map_err(|_| TransportError::Unusable(url.to_string()))
}

fn whole(text: String) -> UnsyncBoxBody<Bytes, io::Error> {
    Full::new(Bytes::from(text))
        .map_err(|never| match never {})
        .boxed_unsync()
}

fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";
const YAML: &str = "application/x-yaml";
const ANSWER_MAX_BYTES: usize = 64 << 20;
/// The API promises an answer within 30 s.
const ANSWER_LIMIT: Duration = Duration::from_secs(40);
const UPLOAD_LIMIT: Duration = Duration::from_secs(30 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_that_is_not_http_is_refused_before_anything_is_sent() {
        let question = Question {
            method: Method::GET,
            url: "ftp://api.example.com/".parse().unwrap(),
            payload: Payload::None,
            authorization: None,
        };
        let refused = ask(&Trust::default(), &question).await.unwrap_err();
        assert!(matches!(refused, TransportError::Unusable(_)));
    }

    #[test]
    fn the_host_field_names_a_port_only_when_the_address_does() {
        let of = |text: &str| authority(&text.parse().unwrap());
        assert_eq!(of("http://api.localhost:8081/v3"), "api.localhost:8081");
        assert_eq!(of("http://api.localhost/v3"), "api.localhost");
        assert_eq!(of("http://[::1]:80/"), "[::1]");
    }
}
