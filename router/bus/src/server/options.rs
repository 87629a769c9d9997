//! What a server is started with.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// Where to listen, whom to let in, and how much anyone may cost.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// Address to listen on; loopback and any free port unless told otherwise.
    pub addr: SocketAddr,
    /// Name that a client must give; ignored without `password`.
    pub user: Option<String>,
    /// Password that a client must give.
    pub password: Option<String>,
    /// Token that a client must give; wins over user and password.
    pub token: Option<String>,
    /// Longest payload, headers included, in bytes.
    pub max_payload: usize,
    /// Longest line of the protocol, in bytes.
    pub max_control_line: usize,
    /// Bytes that may wait for one client before it is cut off as a slow consumer.
    pub max_pending_bytes: usize,
    /// Subscriptions that one client may hold.
    pub max_subscriptions: usize,
    /// Clients at one time.
    pub max_connections: usize,
    /// How often a client is asked for a sign of life.
    pub ping_interval: Duration,
    /// Unanswered pings after which a connection is stale.
    pub max_pings_out: u32,
    /// How long a client may take to prove who it is.
    pub auth_timeout: Duration,
    /// How long a write may make no progress before the client is cut off.
    pub write_deadline: Duration,
}

/// nats-server's defaults, on a free port of the loopback interface.
impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            addr: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            user: None,
            password: None,
            token: None,
            max_payload: 1 << 20,
            max_control_line: 4096,
            max_pending_bytes: 64 << 20,
            max_subscriptions: 1 << 17,
            max_connections: 1 << 16,
            ping_interval: Duration::from_secs(120),
            max_pings_out: 2,
            auth_timeout: Duration::from_secs(2),
            write_deadline: Duration::from_secs(10),
        }
    }
}
