//! A platform that answers by a script and remembers what it was asked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::thread;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// One request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// `GET /v3/apps`, without the query.
    pub(crate) line: String,
    pub(crate) content_type: String,
    pub(crate) authorization: String,
    pub(crate) body: Vec<u8>,
}

/// The script: answers by request line; several for one line are given in turn, the last for ever.
#[derive(Clone, Default)]
pub(crate) struct Platform {
    shared: Arc<Mutex<Shared>>,
    pub(crate) address: String,
}

#[derive(Default)]
struct Shared {
    answers: HashMap<String, Vec<(u16, Value)>>,
    asked: Vec<Asked>,
    address: String,
}

impl Platform {
    /// A platform with one account, one space and nothing in it.
    pub(crate) fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let platform = Self {
            address: address.clone(),
            ..Self::default()
        };
        platform.shared.lock().unwrap().address = address.clone();
        let state = platform.clone();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.unwrap().block_on(async {
                let listener = TcpListener::from_std(listener).unwrap();
                let app = Router::new().fallback(answer).with_state(state);
                axum::serve(listener, app).await.unwrap();
            });
        });
        let link = |path: &str| json!({"href": format!("{address}{path}")});
        let links = json!({"login": link(""), "uaa": link(""), "log_cache": link("")});
        platform.answers("GET /", 200, json!({"links": links}));
        let tokens =
            json!({"access_token": "good", "refresh_token": "again", "token_type": "bearer"});
        platform.answers("POST /oauth/token", 200, tokens);
        platform.lists(
            "GET /v3/organizations",
            json!([{"guid": "org", "name": "acme"}]),
        );
        platform.lists("GET /v3/spaces", json!([{"guid": "space", "name": "dev"}]));
        platform
    }

    /// The next answer to this request.
    pub(crate) fn answers(&self, line: &str, status: u16, document: Value) {
        let mut shared = self.shared.lock().unwrap();
        let answers = shared.answers.entry(line.to_owned()).or_default();
        answers.push((status, document));
    }

    /// The answer from now on, whatever was to come.
    pub(crate) fn answers_only(&self, line: &str, status: u16, document: Value) {
        self.shared.lock().unwrap().answers.remove(line);
        self.answers(line, status, document);
    }

    /// The next answer, as a list of one page.
    pub(crate) fn lists(&self, line: &str, resources: Value) {
        let document = json!({"pagination": {"next": null}, "resources": resources});
        self.answers(line, 200, document);
    }

    /// The application `hello`, its process, and all that a push of it meets when nothing fails.
    pub(crate) fn expects_hello(&self) {
        self.answers(
            "POST /v3/spaces/space/manifest_diff",
            201,
            json!({"diff": []}),
        );
        let path = "POST /v3/spaces/space/actions/apply_manifest";
        self.answers(path, 202, json!({"job": "/v3/jobs/apply"}));
        self.answers("GET /v3/jobs/apply", 200, json!({"state": "PROCESSING"}));
        self.answers("GET /v3/jobs/apply", 200, json!({"state": "COMPLETE"}));
        let app = json!({"guid": "app", "name": "hello", "state": "STOPPED"});
        self.lists("GET /v3/apps", json!([app]));
        let package = |state: &str| json!({"guid": "package", "state": state, "data": {}});
        self.answers("POST /v3/packages", 201, package("AWAITING_UPLOAD"));
        let path = "POST /v3/packages/package/upload";
        self.answers(path, 200, package("PROCESSING_UPLOAD"));
        self.answers("GET /v3/packages/package", 200, package("READY"));
        self.says("-", "");
        let build = |state: &str, droplet: Value| json!({"guid": "build", "state": state, "error": null, "droplet": droplet});
        self.answers("POST /v3/builds", 201, build("STAGING", Value::Null));
        let staged = build("STAGED", json!({"guid": "droplet"}));
        self.answers("GET /v3/builds/build", 200, staged);
        let droplet = json!({"guid": "droplet", "process_types": {"web": "x"}, "buildpacks": [{"name": "static"}]});
        self.answers("GET /v3/droplets/droplet", 200, droplet.clone());
        self.answers("GET /v3/apps/app/droplets/current", 200, droplet);
        let path = "PATCH /v3/apps/app/relationships/current_droplet";
        self.answers(path, 200, json!({"data": {"guid": "droplet"}}));
        self.answers("POST /v3/apps/app/actions/restart", 200, app);
        let process = json!({"guid": "process", "type": "web", "instances": 1, "memory_in_mb": 64, "disk_in_mb": 128});
        self.lists("GET /v3/apps/app/processes", json!([process]));
        let route = json!({"guid": "route", "url": "hello.localhost", "destinations": [{"app": {"guid": "app"}}]});
        self.lists("GET /v3/apps/app/routes", json!([route]));
    }

    /// What the instances do: before the push, and after it.
    pub(crate) fn instance(&self, state: &str) {
        let instance =
            json!({"index": 0, "state": state, "uptime": 3, "usage": {}, "details": "it says why"});
        self.lists("GET /v3/processes/process/stats", json!([instance]));
    }

    /// One more line in the log of the application; `-` for none.
    pub(crate) fn says(&self, source: &str, text: &str) {
        let mut batch = Vec::new();
        if source != "-" {
            batch.push(json!({"timestamp": "1764072000123456789", "instance_id": "0",
                "tags": {"source_type": source}, "log": {"payload": STANDARD.encode(text), "type": "OUT"}}));
        }
        let document = json!({"envelopes": {"batch": batch}});
        self.answers("GET /api/v1/read/app", 200, document);
    }

    /// Forgets what was asked so far.
    pub(crate) fn forget(&self) {
        self.shared.lock().unwrap().asked.clear();
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.shared.lock().unwrap().asked.clone()
    }

    /// The requests that were made, without repetitions in a row.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines: Vec<_> = self.asked().into_iter().map(|asked| asked.line).collect();
        lines.dedup();
        lines
    }

    pub(crate) fn the(&self, line: &str) -> Asked {
        let asked = self.asked();
        let found = asked.iter().find(|asked| asked.line == line);
        found
            .unwrap_or_else(|| panic!("nobody asked {line}"))
            .clone()
    }
}

async fn answer(State(platform): State<Platform>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap().to_vec();
    let field = |name: &str| {
        let value = head.headers.get(name).map(|value| value.to_str().unwrap());
        value.unwrap_or_default().to_owned()
    };
    let line = format!("{} {}", head.method, head.uri.path());
    let mut shared = platform.shared.lock().unwrap();
    shared.asked.push(Asked {
        line: line.clone(),
        content_type: field("content-type"),
        authorization: field("authorization"),
        body,
    });
    let unknown = json!({"errors": [{"code": 10000, "title": "CF-NotFound", "detail": format!("Unknown request {line}")}]});
    let (status, document) = match shared.answers.get_mut(&line) {
        None => (404, unknown),
        Some(answers) if answers.len() > 1 => answers.remove(0),
        Some(answers) => answers[0].clone(),
    };
    let mut response = Response::builder().status(StatusCode::from_u16(status).unwrap());
    if let Some(job) = document["job"].as_str() {
        response = response.header("location", format!("{}{job}", shared.address));
    }
    response.body(Body::from(document.to_string())).unwrap()
}
