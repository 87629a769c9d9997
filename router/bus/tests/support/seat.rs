//! A seat on a bus under test.

use std::net::SocketAddr;
use std::time::Duration;

use bus::connection::ServerAddr;
use bus::server::{RunningServer, Server, ServerOptions};
use bus::{Bus, BusOptions};

use super::wait::PATIENCE;

/// Options that make failures quick and patience long.
pub(crate) fn options(addrs: &[SocketAddr]) -> BusOptions {
    BusOptions {
        servers: addrs.iter().copied().map(ServerAddr::from).collect(),
        connect_wait: Duration::from_millis(1),
        reconnect_wait: Duration::from_millis(50),
        request_timeout: PATIENCE,
        ..BusOptions::default()
    }
}

/// A connection to `addr`.
pub(crate) async fn connect(addr: SocketAddr) -> Bus {
    Bus::connect(options(&[addr])).await.unwrap()
}

/// Our server with its defaults.
pub(crate) async fn ours() -> RunningServer {
    Server::start(ServerOptions::default()).await.unwrap()
}
