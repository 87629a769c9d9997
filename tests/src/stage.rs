//! The usual cast: one bus, one router, one endpoint under one name.

use serde_json::{Value, json};

use crate::bus::Bus;
use crate::client::Client;
use crate::endpoint::Endpoint;
use crate::oracle::Message;
use crate::router::Router;

/// The name under which the endpoint of a [`Stage`] is announced.
pub const HOST: &str = "a.example.com";

/// A router that knows one endpoint as [`HOST`].
pub struct Stage {
    /// The router under test.
    pub router: Router,
    /// Its only endpoint.
    pub endpoint: Endpoint,
    /// The bus that told it.
    pub bus: Bus,
}

impl Stage {
    /// Sets the stage around `endpoint`.
    #[must_use]
    pub fn with(endpoint: Endpoint) -> Self {
        Self::configured(endpoint, &json!({}))
    }

    /// Sets the stage with further keys of `gorouter.yml`.
    #[must_use]
    pub fn configured(endpoint: Endpoint, further: &Value) -> Self {
        let bus = Bus::start();
        let router = Router::with(&bus, further);
        bus.register(HOST, &[&endpoint]);
        router.eventually_knows(HOST, 1);
        Self {
            router,
            endpoint,
            bus,
        }
    }

    /// Opens a connection to the router.
    #[must_use]
    pub fn client(&self) -> Client {
        self.router.connect()
    }

    /// Sends `raw` on a connection of its own and reads one response.
    #[must_use]
    pub fn exchange(&self, raw: impl AsRef<[u8]>) -> Message {
        let mut client = self.client();
        client.send(raw);
        client.response()
    }

    /// Sends a plain GET on a connection of its own, which must be answered 200.
    pub fn innocent(&self) -> Message {
        let mut client = self.client();
        client.get(HOST, "/innocent");
        client.expect_status(200)
    }

    /// What the endpoint was asked beside the innocent's requests, each judged by the oracle.
    #[must_use]
    pub fn heard(&self) -> Vec<Message> {
        self.innocent();
        let requests = self.endpoint.requests().into_iter();
        requests
            .filter(|request| request.target() != "/innocent")
            .collect()
    }
}

/// A POST of the given fields (each with its CRLF) to [`HOST`], followed by `rest`.
#[must_use]
pub fn post(fields: &str, rest: &str) -> String {
    format!("POST /x HTTP/1.1\r\nHost: {HOST}\r\n{fields}\r\n{rest}")
}

/// Sends each of `raws` on a connection of its own: the router must answer with one of `statuses`
/// and close, and the endpoint must never receive a whole request from it.
///
/// # Panics
///
/// When any of that is not so.
pub fn refused_each_with<R: AsRef<[u8]>>(statuses: &[u16], raws: impl IntoIterator<Item = R>) {
    let stage = Stage::with(Endpoint::saying("hello"));
    for raw in raws {
        let raw = raw.as_ref();
        let shown = String::from_utf8_lossy(&raw[..raw.len().min(400)]);
        let mut client = stage.client();
        client.send(raw);
        let response = client.response();
        assert!(
            statuses.contains(&response.status()),
            "{shown:?}: {response:#?}"
        );
        client.expect_closed();
        assert!(
            stage.heard().is_empty(),
            "{shown:?}: forwarded as {:#?}",
            stage.heard()
        );
    }
}

/// Each of `raws` must be refused with 400 and a close, and reach no endpoint as a whole.
pub fn refused_each<R: AsRef<[u8]>>(raws: impl IntoIterator<Item = R>) {
    refused_each_with(&[400], raws);
}

/// See [`refused_each_with`].
pub fn refused_with(statuses: &[u16], raw: impl AsRef<[u8]>) {
    refused_each_with(statuses, [raw]);
}

/// See [`refused_each`].
pub fn refused(raw: impl AsRef<[u8]>) {
    refused_each([raw]);
}
