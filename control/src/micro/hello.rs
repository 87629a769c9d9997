//! The sample application: pushed as any user would push it, then asked for through the router.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use hyper::StatusCode;
use hyper::header::CONTENT_TYPE;
use serde_json::json;
use tokio::time::sleep;

use super::directory::Directory;
use super::operator::Operator;
use super::{MicroError, patience};
use crate::dial::Trust;
use crate::fetch;
use crate::push::{Client, KatoError, Links, Plan, Progress, deploy, ensure_space, find_app};

/// What can be shown of a cloud through its router.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Proof {
    /// The sample answers.
    Hello,
    /// A person has stopped or deleted the sample, so that only the API is left to be asked.
    Api,
}

impl Proof {
    /// The host under which it is asked for.
    pub(super) fn host(self) -> &'static str {
        match self {
            Self::Hello => "hello.localhost",
            Self::Api => "api.localhost",
        }
    }

    fn holds(self, answer: &fetch::Answer) -> bool {
        let (kind, marker) = match self {
            Self::Hello => ("text/html", &b"<title>Hello from Switchyard</title>"[..]),
            Self::Api => ("application/json", &b"\"links\""[..]),
        };
        let told = answer.headers.get(CONTENT_TYPE);
        let told = told.is_some_and(|told| told.as_bytes().starts_with(kind.as_bytes()));
        let mut windows = answer.body.windows(marker.len());
        answer.status == StatusCode::OK && told && windows.any(|window| window == marker)
    }
}

/// Makes a space for the person of this machine and, the first time, pushes the sample into it.
pub(super) async fn welcome(
    api: &str,
    operator: &Operator,
    directory: &Directory,
) -> Result<Proof, MicroError> {
    let fault = |source: KatoError| MicroError::Hello {
        source: Box::new(source),
    };
    let links = Links::discover(api, &Trust::default())
        .await
        .map_err(fault)?;
    let credentials = links.identify(&operator.id, &operator.secret);
    let client = Client::new(links.clone(), credentials.await.map_err(fault)?);
    let space = ensure_space(&client, ORGANIZATION, SPACE)
        .await
        .map_err(fault)?;
    let marker = directory.file("hello.pushed");
    if marker.exists() {
        let app = find_app(&client, &space, NAME).await.map_err(fault)?;
        let runs = app.is_some_and(|app| app.is_started());
        return Ok(if runs { Proof::Hello } else { Proof::Api });
    }
    let source = directory.file("hello");
    write(&source).map_err(|error| MicroError::Directory {
        path: source.clone(),
        source: error,
    })?;
    let plan = Plan::new(NAME, source)
        .with("memory", json!("64M"))
        .with("disk_quota", json!("64M"));
    deploy(&client, &space, &plan, &Progress::silent())
        .await
        .map_err(fault)?;
    fs::write(&marker, "").map_err(|source| MicroError::Directory {
        path: marker.clone(),
        source,
    })?;
    Ok(Proof::Hello)
}

fn write(directory: &Path) -> std::io::Result<()> {
    fs::create_dir_all(directory)?;
    for (name, text) in FILES {
        fs::write(directory.join(name), text)?;
    }
    Ok(())
}

/// Sends a request through the router until the right one has answered.
pub(super) async fn answered(router: SocketAddr, proof: Proof) -> Result<(), MicroError> {
    let answered = async {
        loop {
            match fetch::get(router, proof.host(), "/").await {
                Ok(answer) if proof.holds(&answer) => return,
                Ok(_) | Err(_) => sleep(POLL).await,
            }
        }
    };
    let what = "a request through the router";
    patience::within(what, None, PROOF_LIMIT, answered).await
}

/// The sample's name, and the place that a person finds after the first login.
const NAME: &str = "hello";
const ORGANIZATION: &str = "local";
const SPACE: &str = "dev";
const FILES: [(&str, &str); 1] = [("index.html", include_str!("hello/index.html"))];
const POLL: Duration = Duration::from_millis(20);
/// Instances of an earlier run start again only when agent and controller have found each other.
const PROOF_LIMIT: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_page_itself_proves_that_the_sample_answers() {
        let answer = |status, kind: &'static str, body: &'static str| fetch::Answer {
            status,
            headers: hyper::HeaderMap::from_iter([(CONTENT_TYPE, kind.parse().unwrap())]),
            body: body.into(),
        };
        let (html, json) = ("text/html; charset=utf-8", "application/json");
        let page = include_str!("hello/index.html");
        let links = "{\"links\":{}}";
        let ok = StatusCode::OK;
        assert!(Proof::Hello.holds(&answer(ok, html, page)));
        assert!(!Proof::Hello.holds(&answer(StatusCode::BAD_GATEWAY, html, page)));
        assert!(!Proof::Hello.holds(&answer(ok, json, links)));
        assert!(Proof::Api.holds(&answer(ok, json, links)));
        assert!(!Proof::Api.holds(&answer(ok, html, page)));
    }
}
