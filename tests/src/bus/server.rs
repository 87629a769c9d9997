//! A bus that runs, and what is announced on it.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::debian::Debian;
use super::embedded::Embedded;
use super::link::{Link, Subscription};
use crate::endpoint::Endpoint;

/// A running bus; dropping it stops it.
#[derive(Debug)]
pub struct Bus {
    addr: SocketAddr,
    kind: Kind,
    server: Option<Server>,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Debian,
    Embedded,
}

#[derive(Debug)]
enum Server {
    Debian { _running: Debian },
    Embedded { _running: Embedded },
}

impl Bus {
    /// Starts our own server on a free port.
    #[must_use]
    pub fn start() -> Self {
        Self::of(Kind::Embedded)
    }

    /// Starts Debian's `nats-server` on a free port.
    ///
    /// # Panics
    ///
    /// When it is not installed, or does not come up.
    #[must_use]
    pub fn debian() -> Self {
        Self::of(Kind::Debian)
    }

    fn of(kind: Kind) -> Self {
        let mut bus = Self {
            addr: ([127, 0, 0, 1], 0).into(),
            kind,
            server: None,
        };
        bus.restart();
        bus
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Ends it; its clients see a reset or a close.
    pub fn stop(&mut self) {
        self.server = None;
    }

    /// Comes back on the port it had.
    pub fn restart(&mut self) {
        self.stop();
        let server = match self.kind {
            Kind::Debian => {
                let running = Debian::start(self.addr.port());
                self.addr = running.addr;
                Server::Debian { _running: running }
            }
            Kind::Embedded => {
                let running = Embedded::start(self.addr);
                self.addr = running.addr;
                Server::Embedded { _running: running }
            }
        };
        self.server = Some(server);
    }

    /// Announces `endpoints` under `uri`, with instance ids `instance-0`, `instance-1`, …
    pub fn register(&self, uri: &str, endpoints: &[&Endpoint]) {
        for (index, endpoint) in endpoints.iter().enumerate() {
            self.register_with(
                uri,
                endpoint,
                json!({ "private_instance_id": format!("instance-{index}"),
                "private_instance_index": index.to_string() }),
            );
        }
    }

    /// Announces one endpoint under `uri`, with further keys of the message.
    pub fn register_with(&self, uri: &str, endpoint: &Endpoint, further: Value) {
        self.publish(
            "router.register",
            announcement(uri, endpoint, further).to_string(),
        );
    }

    /// Takes `endpoint` back from `uri`.
    pub fn unregister(&self, uri: &str, endpoint: &Endpoint) {
        self.publish(
            "router.unregister",
            announcement(uri, endpoint, json!({})).to_string(),
        );
    }

    /// Publishes raw bytes; returns once the server has taken them.
    pub fn publish(&self, subject: &str, payload: impl AsRef<[u8]>) {
        let mut link = Link::open(self.addr);
        link.publish(subject, "", payload.as_ref());
        link.flush();
    }

    /// Subscribes to `subject`; the server has taken the subscription when this returns.
    #[must_use]
    pub fn listen(&self, subject: &str) -> Subscription {
        let mut link = Link::open(self.addr);
        link.write(format!("SUB {subject} 1\r\n").as_bytes());
        link.flush();
        Subscription { link }
    }

    /// Publishes to `subject` and waits for one reply.
    #[must_use]
    pub fn request(&self, subject: &str) -> Vec<u8> {
        let inbox = "_INBOX.suite.1";
        let mut replies = self.listen(inbox);
        replies.link.publish(subject, inbox, b"");
        replies.message()
    }
}

fn announcement(uri: &str, endpoint: &Endpoint, further: Value) -> Value {
    let addr = endpoint.addr();
    let mut message = json!({ "host": addr.ip().to_string(), "port": addr.port(), "uris": [uri],
        "app": "app-guid", "private_instance_id": "instance-0", "private_instance_index": "0" });
    if let (Value::Object(message), Value::Object(further)) = (&mut message, further) {
        message.extend(further);
    }
    message
}
