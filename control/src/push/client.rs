//! The client: questions to the API in one account's name, tried again where that is safe.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hyper::{Method, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::sleep;
use url::Url;

use super::account::{Credentials, Links, read, unreachable};
use super::error::{KatoError, Refused};
use super::transport::{Payload, Question, Reply, TransportError, ask};

/// One account at one API.
#[derive(Debug)]
pub struct Client {
    links: Links,
    credentials: Mutex<Credentials>,
}

impl Client {
    /// A client that shows these credentials.
    #[must_use]
    pub fn new(links: Links, credentials: Credentials) -> Self {
        Self {
            links,
            credentials: Mutex::new(credentials),
        }
    }

    /// The credentials as they are now; a refresh may have changed them.
    #[must_use]
    pub fn credentials(&self) -> Credentials {
        self.held().clone()
    }

    /// Where the parts of the API are.
    #[must_use]
    pub fn links(&self) -> &Links {
        &self.links
    }

    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        what: &str,
        path: &str,
    ) -> Result<T, KatoError> {
        let reply = self.call(what, Method::GET, path, Payload::None).await?;
        read(what, &reply)
    }

    /// All pages of a list.
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        what: &str,
        path: &str,
    ) -> Result<Vec<T>, KatoError> {
        let mut all = Vec::new();
        let mut next = Some(path.to_owned());
        while let Some(path) = next {
            let page: Page<T> = self.get(what, &path).await?;
            all.extend(page.resources);
            next = page.pagination.next.map(|link| link.href);
        }
        Ok(all)
    }

    /// Sends a document and reads another.
    pub(super) async fn send<T: DeserializeOwned>(
        &self,
        what: &str,
        method: Method,
        path: &str,
        document: &Value,
    ) -> Result<T, KatoError> {
        let payload = Payload::Json(document.to_string());
        let reply = self.call(what, method, path, payload).await?;
        read(what, &reply)
    }

    /// Sends what is answered by a job, or done at once, and waits until it is done.
    pub(super) async fn finish(
        &self,
        what: &str,
        method: Method,
        path: &str,
        payload: Payload,
    ) -> Result<(), KatoError> {
        let reply = self.call(what, method, path, payload).await?;
        let Some(job) = reply.location else {
            return Ok(());
        };
        let until = Instant::now() + JOB_LIMIT;
        loop {
            let job: Job = self.get(what, &job).await?;
            match job.state.as_str() {
                "COMPLETE" => return Ok(()),
                "FAILED" => {
                    return Err(KatoError::Job {
                        what: what.to_owned(),
                        reason: job.reason(),
                    });
                }
                _ if Instant::now() > until => {
                    return Err(KatoError::Late {
                        what: format!("the job to {what}"),
                        seconds: JOB_LIMIT.as_secs(),
                        lines: Vec::new(),
                    });
                }
                _ => sleep(POLL).await,
            }
        }
    }

    /// Asks once more with a fresh token when the present one is refused, and asks a question that
    /// changes nothing again while the API is away for a moment.
    pub(super) async fn call(
        &self,
        what: &str,
        method: Method,
        path: &str,
        payload: Payload,
    ) -> Result<Reply, KatoError> {
        let mut question = Question {
            method,
            url: self.resolve(path)?,
            payload,
            authorization: Some(self.authorization()),
        };
        let mut reply = self.patiently(what, &question).await?;
        if reply.status == StatusCode::UNAUTHORIZED && self.refreshed().await? {
            question.authorization = Some(self.authorization());
            reply = self.patiently(what, &question).await?;
        }
        accepted(what, reply)
    }

    async fn patiently(&self, what: &str, question: &Question) -> Result<Reply, KatoError> {
        let until = Instant::now() + PATIENCE;
        loop {
            let outcome = ask(&self.links.trust, question).await;
            let away = match &outcome {
                Ok(reply) => AWAY.contains(&reply.status),
                // Nothing has been sent yet, so that even a change may be asked for again.
                Err(TransportError::Connect { .. }) => true,
                Err(_) => question.method == Method::GET,
            };
            let sent = !matches!(outcome, Err(TransportError::Connect { .. }));
            let repeatable = question.method == Method::GET || !sent;
            if !away || !repeatable || Instant::now() > until {
                return outcome.map_err(unreachable(what));
            }
            sleep(PAUSE).await;
        }
    }

    async fn refreshed(&self) -> Result<bool, KatoError> {
        let Some(token) = self.credentials().refresh_token else {
            return Ok(false);
        };
        match self.links.refresh(&token).await {
            Ok(fresh) => {
                *self.held() = fresh;
                Ok(true)
            }
            Err(KatoError::Login(_)) => Err(KatoError::NoSession),
            Err(error) => Err(error),
        }
    }

    /// A path below the API, or an address that the API gave.
    fn resolve(&self, path: &str) -> Result<Url, KatoError> {
        let api = self.links.api.url();
        api.join(path).map_err(|_| KatoError::Url(path.to_owned()))
    }

    fn authorization(&self) -> String {
        format!("bearer {}", self.held().access_token)
    }

    fn held(&self) -> MutexGuard<'_, Credentials> {
        // What a panicking holder leaves behind is still a pair of tokens.
        self.credentials
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn accepted(what: &str, reply: Reply) -> Result<Reply, KatoError> {
    if reply.status.is_success() {
        return Ok(reply);
    }
    let faults: Faults = serde_json::from_slice(&reply.body).unwrap_or_default();
    let details: Vec<&str> = faults.errors.iter().map(|f| f.detail.as_str()).collect();
    let detail = if details.is_empty() {
        format!("the API answers {}", reply.status)
    } else {
        details.join("; ")
    };
    Err(KatoError::Refused(Refused {
        what: what.to_owned(),
        status: reply.status,
        code: faults.errors.first().map(|fault| fault.code),
        detail,
    }))
}

#[derive(Deserialize)]
struct Page<T> {
    #[serde(default)]
    pagination: Pagination,
    resources: Vec<T>,
}

#[derive(Default, Deserialize)]
struct Pagination {
    next: Option<Link>,
}

#[derive(Deserialize)]
struct Link {
    href: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Faults {
    errors: Vec<Fault>,
}

#[derive(Deserialize)]
struct Fault {
    code: u64,
    detail: String,
}

#[derive(Deserialize)]
struct Job {
    state: String,
    #[serde(default)]
    errors: Vec<Fault>,
}

impl Job {
    fn reason(&self) -> String {
        let details: Vec<&str> = self.errors.iter().map(|f| f.detail.as_str()).collect();
        if details.is_empty() {
            "the job failed without a reason".to_owned()
        } else {
            details.join("; ")
        }
    }
}

const AWAY: &[StatusCode] = &[
    StatusCode::BAD_GATEWAY,
    StatusCode::SERVICE_UNAVAILABLE,
    StatusCode::GATEWAY_TIMEOUT,
];
/// How long an API that restarts is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(250);
const POLL: Duration = Duration::from_millis(200);
const JOB_LIMIT: Duration = Duration::from_secs(300);
