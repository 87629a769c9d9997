//! A broker: a real HTTP server that keeps services and bindings, and can be told to misbehave.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// How one request is answered; what it asks for is done nevertheless, unless it says otherwise.
#[derive(Clone, Debug)]
pub(crate) enum Manner {
    /// It begins, and goes on until the test says how it ends.
    Async,
    /// The connection breaks in the middle of the answer.
    Break,
    /// It is not done, and this is the answer.
    Refuse(u16, Value),
    /// It is done and this is the answer.
    Say(u16, &'static str),
    /// No answer ever comes.
    Silence,
}

/// One request that came in.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) call: &'static str,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

#[derive(Default)]
struct Kept {
    catalog: Value,
    services: BTreeMap<String, Value>,
    bindings: BTreeMap<String, Value>,
    /// What has begun, by the last step of its path: how it ended, if it did.
    begun: BTreeMap<String, (&'static str, Option<&'static str>)>,
    manners: BTreeMap<&'static str, VecDeque<Manner>>,
    asked: Vec<Asked>,
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Kept>>);

pub(crate) struct Broker {
    pub(crate) address: SocketAddr,
    shared: Shared,
    server: JoinHandle<()>,
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.server.abort();
    }
}

pub(crate) const USERNAME: &str = "platform";
pub(crate) const PASSWORD: &str = "br0ker-passw0rd";

impl Broker {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Shared::default();
        shared.kept().catalog = catalog();
        let app = axum::Router::new()
            .fallback(answer)
            .with_state(shared.clone());
        let server = tokio::spawn(async move {
            axum::serve(listener, app).await.unwrap();
        });
        Self {
            address,
            shared,
            server,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The next requests of this call are answered like this, one after the other.
    pub(crate) fn next(&self, call: &'static str, manners: &[Manner]) {
        let mut kept = self.shared.kept();
        kept.manners
            .entry(call)
            .or_default()
            .extend(manners.iter().cloned());
    }

    pub(crate) fn offer(&self, catalog: Value) {
        self.shared.kept().catalog = catalog;
    }

    /// Ends what has begun with this service or binding.
    pub(crate) fn finish(&self, guid: &str, state: &'static str) {
        let mut kept = self.shared.kept();
        let begun = kept.begun.get_mut(guid).expect("it has begun");
        begun.1 = Some(state);
        let call = begun.0;
        if state == "succeeded" && call == "deprovision" {
            kept.services.remove(guid);
        }
        if state == "succeeded" && call == "unbind" {
            kept.bindings.remove(guid);
        }
    }

    /// The requests of one call, in order.
    pub(crate) fn asked(&self, call: &str) -> Vec<Asked> {
        let kept = self.shared.kept();
        let of_call = kept.asked.iter().filter(|asked| asked.call == call);
        of_call.cloned().collect()
    }

    /// The calls that change something, in order.
    pub(crate) fn calls(&self) -> Vec<&'static str> {
        let kept = self.shared.kept();
        let calls = kept.asked.iter().map(|asked| asked.call);
        calls
            .filter(|call| !["catalog", "last_operation", "fetch"].contains(call))
            .collect()
    }

    /// How many services and bindings it keeps.
    pub(crate) fn keeps(&self) -> (usize, usize) {
        let kept = self.shared.kept();
        (kept.services.len(), kept.bindings.len())
    }
}

impl Shared {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap()
    }
}

async fn answer(State(shared): State<Shared>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    let asked = Asked {
        call: call_of(head.method.as_str(), head.uri.path()),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
    };
    let manner = {
        let mut kept = shared.kept();
        kept.asked.push(asked.clone());
        kept.manners
            .get_mut(asked.call)
            .and_then(VecDeque::pop_front)
    };
    let done = match &manner {
        Some(Manner::Refuse(status, body)) => return say(*status, body.clone()),
        other => shared.carry_out(&asked, matches!(other, Some(Manner::Async))),
    };
    match manner {
        Some(Manner::Silence) => std::future::pending().await,
        Some(Manner::Break) => {
            let broken = futures_util::stream::iter([Err::<String, _>(std::io::Error::other("x"))]);
            Body::from_stream(broken).into_response()
        }
        Some(Manner::Say(status, text)) => {
            (StatusCode::from_u16(status).unwrap(), text).into_response()
        }
        Some(Manner::Async | Manner::Refuse(..)) | None => say(done.0, done.1),
    }
}

fn say(status: u16, body: Value) -> Response {
    (StatusCode::from_u16(status).unwrap(), Json(body)).into_response()
}

fn call_of(method: &str, path: &str) -> &'static str {
    let of_binding = path.contains("/service_bindings/");
    match (method, of_binding) {
        ("GET", _) if path.ends_with("/catalog") => "catalog",
        ("GET", _) if path.ends_with("/last_operation") => "last_operation",
        ("GET", _) => "fetch",
        ("PUT", false) => "provision",
        ("PUT", true) => "bind",
        ("PATCH", _) => "update",
        ("DELETE", false) => "deprovision",
        ("DELETE", true) => "unbind",
        _ => "nonsense",
    }
}

impl Shared {
    fn carry_out(&self, asked: &Asked, begins: bool) -> (u16, Value) {
        let mut kept = self.kept();
        let of_operation = asked.path.trim_end_matches("/last_operation");
        let guid = of_operation.rsplit('/').next().unwrap().to_owned();
        if begins {
            kept.begun.insert(guid.clone(), (asked.call, None));
        }
        let gone = (410, json!({}));
        let answer = match asked.call {
            "catalog" => return (200, kept.catalog.clone()),
            "last_operation" => return kept.state_of(&guid),
            "fetch" => match kept
                .bindings
                .get(&guid)
                .or_else(|| kept.services.get(&guid))
            {
                Some(body) => {
                    return (
                        200,
                        json!({ "credentials": credentials(), "parameters": body["parameters"] }),
                    );
                }
                None => return (404, json!({})),
            },
            "provision" => {
                kept.services.insert(guid, asked.body.clone());
                (201, json!({ "dashboard_url": "http://dashboard" }))
            }
            "update" => (200, json!({})),
            "bind" => {
                kept.bindings.insert(guid, asked.body.clone());
                (201, json!({ "credentials": credentials() }))
            }
            "deprovision" if begins => (200, json!({})),
            "deprovision" => match kept.services.remove(&guid) {
                Some(_) => (200, json!({})),
                None => gone,
            },
            "unbind" if begins => (200, json!({})),
            "unbind" => match kept.bindings.remove(&guid) {
                Some(_) => (200, json!({})),
                None => gone,
            },
            other => panic!("{other}: {}", asked.path),
        };
        if begins {
            return (202, json!({ "operation": "word" }));
        }
        answer
    }
}

impl Kept {
    fn state_of(&self, guid: &str) -> (u16, Value) {
        match self.begun.get(guid) {
            Some((_, Some(state))) => (200, json!({ "state": state, "description": "the end" })),
            Some((_, None)) => (
                200,
                json!({ "state": "in progress", "description": "half way" }),
            ),
            None => (404, json!({})),
        }
    }
}

/// What a binding holds.
pub(crate) fn credentials() -> Value {
    json!({ "uri": "postgres://user:s3cret@db/one", "password": "s3cret" })
}

/// Two plans of a database, and one of a queue that cannot be bound.
pub(crate) fn catalog() -> Value {
    json!({ "services": [
        { "id": "db-id", "name": "db", "description": "A database", "bindable": true,
          "tags": ["sql"], "plan_updateable": true, "instances_retrievable": true,
          "plans": [
            { "id": "small-id", "name": "small", "description": "One", "free": true,
              "maintenance_info": { "version": "1.0.0", "description": "first" } },
            { "id": "large-id", "name": "large", "description": "Many", "free": false },
            { "id": "hasty-id", "name": "hasty", "description": "Soon", "free": true,
              "maximum_polling_duration": 0 },
          ] },
        { "id": "queue-id", "name": "queue", "description": "A queue", "bindable": false,
          "plans": [{ "id": "queue-plan", "name": "only", "description": "One" }] },
    ] })
}
