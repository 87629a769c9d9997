//! The cast: an API on a free port with a store of its own, and a client that speaks plain HTTP.

use std::sync::Arc;
use std::time::Duration;

use control::api::uaa::{FirstAdmin, prepare_admin};
use control::api::{self, Api, ApiParts, ApiSettings, PasswordCost, Routes};
use control::blobs::{Blobs, Signer};
use control::controller::{Controller, Orders};
use control::logs::{Recent, RecentLimits};
use control::services::{ServiceSettings, Services};
use control::store::Store;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// An API that serves until it is dropped.
pub(crate) struct Cloud {
    pub(crate) address: String,
    pub(crate) orders: Orders,
    pub(crate) api: Api,
    pub(crate) admin: String,
    _directory: tempfile::TempDir,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Value,
}

pub(crate) const PASSWORD: &str = "correct horse";

impl Cloud {
    /// Starts one, with the administrator `admin` logged in.
    pub(crate) async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/state.db?mode=rwc", directory.path().display());
        let store = Store::open(&url).await.unwrap();
        let (controller, orders) = Controller::channel();
        let mut settings = ApiSettings::new("localhost", "http://api.localhost");
        settings.password_cost = PasswordCost::Least;
        let parts = ApiParts {
            store,
            controller,
            blobs: Blobs::local(&directory.path().join("blobs")).unwrap(),
            signer: Signer::new(b"a key for tests"),
            recent: Arc::new(Recent::new(RecentLimits::default())),
            services: Services::new(ServiceSettings::default()),
            settings,
        };
        let api = Api::start(parts).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let never = std::future::pending();
        tokio::spawn(api::serve(
            listener,
            api.clone(),
            Routes::new("None"),
            never,
        ));
        let mut cloud = Self {
            address,
            orders,
            api,
            admin: String::new(),
            _directory: directory,
        };
        cloud.make_admin().await;
        cloud.admin = cloud.log_in("admin", PASSWORD).await;
        cloud
    }

    async fn make_admin(&self) {
        let link = prepare_admin(&self.api, &FirstAdmin::Link).await.unwrap();
        let form = format!("username=admin&password={}", PASSWORD.replace(' ', "+"));
        let made = self.form(&link.unwrap(), "", &form).await;
        assert_eq!(made.status, 201, "{made:?}");
    }

    /// Logs somebody in, and gives the access token.
    pub(crate) async fn log_in(&self, name: &str, password: &str) -> String {
        let reply = self.token(name, password).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.text("/access_token")
    }

    pub(crate) async fn token(&self, name: &str, password: &str) -> Reply {
        let password = password.replace(' ', "+");
        let form = format!("grant_type=password&username={name}&password={password}");
        self.form("/oauth/token", CF, &form).await
    }

    /// Sends a form with these header lines.
    pub(crate) async fn form(&self, path: &str, head: &str, form: &str) -> Reply {
        let head = format!("Content-Type: application/x-www-form-urlencoded\r\n{head}");
        self.send("POST", path, &head, form.as_bytes()).await
    }

    /// Makes a user with this name and the usual password; gives guid and access token.
    pub(crate) async fn user(&self, name: &str) -> (String, String) {
        let body = json!({"userName": name, "password": PASSWORD, "emails": [{"value": "a@b.c"}]});
        let made = self.post("/Users", &self.admin, &body).await;
        assert_eq!(made.status, 201, "{made:?}");
        (made.text("/id"), self.log_in(name, PASSWORD).await)
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> Reply {
        self.send("GET", path, &bearer(token), b"").await
    }

    pub(crate) async fn delete(&self, path: &str, token: &str) -> Reply {
        self.send("DELETE", path, &bearer(token), b"").await
    }

    pub(crate) async fn post(&self, path: &str, token: &str, body: &Value) -> Reply {
        self.send("POST", path, &bearer(token), body.to_string().as_bytes())
            .await
    }

    pub(crate) async fn patch(&self, path: &str, token: &str, body: &Value) -> Reply {
        self.send("PATCH", path, &bearer(token), body.to_string().as_bytes())
            .await
    }

    /// One request on a connection of its own.
    pub(crate) async fn send(&self, method: &str, path: &str, head: &str, body: &[u8]) -> Reply {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{head}Content-Length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        let exchange = async {
            let mut socket = TcpStream::connect(&self.address).await.unwrap();
            socket.write_all(request.as_bytes()).await.unwrap();
            // The server may answer, and close, before it has read a body that it refuses.
            let _sent = socket.write_all(body).await;
            let mut bytes = Vec::new();
            let _read = socket.read_to_end(&mut bytes).await;
            bytes
        };
        let bytes = tokio::time::timeout(Duration::from_secs(60), exchange)
            .await
            .unwrap();
        parse(&String::from_utf8_lossy(&bytes))
    }

    /// Makes an organization and a space in it; gives both guids.
    pub(crate) async fn place(&self, organization: &str, space: &str) -> (String, String) {
        let made = self
            .post(
                "/v3/organizations",
                &self.admin,
                &json!({"name": organization}),
            )
            .await;
        assert_eq!(made.status, 201, "{made:?}");
        let organization = made.text("/guid");
        let data = json!({"organization": {"data": {"guid": organization}}});
        let body = json!({"name": space, "relationships": data});
        let made = self.post("/v3/spaces", &self.admin, &body).await;
        assert_eq!(made.status, 201, "{made:?}");
        (organization, made.text("/guid"))
    }

    /// Gives a user a role; `place` is `space` or `organization`.
    pub(crate) async fn role(&self, kind: &str, user: &str, place: (&str, &str)) -> Reply {
        let body = json!({"type": kind, "relationships": {
            "user": {"data": {"guid": user}}, place.0: {"data": {"guid": place.1}},
        }});
        self.post("/v3/roles", &self.admin, &body).await
    }
}

impl Reply {
    /// A string of the body, by JSON pointer; empty when there is none.
    pub(crate) fn text(&self, pointer: &str) -> String {
        let found = self.body.pointer(pointer).and_then(Value::as_str);
        found.unwrap_or_default().to_owned()
    }

    /// Code and detail of the first error.
    pub(crate) fn error(&self) -> (u64, String) {
        let code = self.body.pointer("/errors/0/code").and_then(Value::as_u64);
        (code.unwrap_or_default(), self.text("/errors/0/detail"))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (known, value) = line.split_once(':')?;
            known.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

fn parse(answer: &str) -> Reply {
    let (head, text) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
    Reply {
        status: status.unwrap_or(0),
        head: head.to_owned(),
        body: serde_json::from_str(text).unwrap_or_default(),
    }
}

fn bearer(token: &str) -> String {
    let json = "Content-Type: application/json\r\n";
    if token.is_empty() {
        return json.to_owned();
    }
    format!("Authorization: bearer {token}\r\n{json}")
}

/// Basic `cf:`.
pub(crate) const CF: &str = "Authorization: Basic Y2Y6\r\n";
