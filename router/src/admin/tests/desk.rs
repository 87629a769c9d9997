//! Desk: the status ports of a router that is not there.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use tokio::sync::oneshot;

use crate::admin::{AdminState, bind, serve};
use crate::config::{AdminConfig, ListenConfig, ObserveConfig, PrometheusConfig, Secret};
use crate::observe::health::Health;
use crate::observe::metrics::Metrics;
use crate::route::RouteTable;

/// Open ports, served by a thread of their own until the desk is dropped.
pub(super) struct Desk {
    pub(super) status: SocketAddr,
    pub(super) status_tls: Option<SocketAddr>,
    pub(super) routes: SocketAddr,
    pub(super) prometheus: SocketAddr,
    pub(super) state: AdminState,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Every port on, each on a free one.
pub(super) fn config() -> AdminConfig {
    AdminConfig {
        port: 0,
        routes_port: 0,
        user: "user".into(),
        pass: Secret::new("secret"),
        prometheus: Some(PrometheusConfig { port: 0, tls: None }),
        ..AdminConfig::default()
    }
}

/// A header line with these credentials.
pub(super) fn basic(pair: &str) -> String {
    format!("Authorization: Basic {}\r\n", BASE64_STANDARD.encode(pair))
}

impl Desk {
    pub(super) fn open(config: &AdminConfig) -> Self {
        Self::of(config, Arc::new(RouteTable::new()))
    }

    pub(super) fn of(config: &AdminConfig, table: Arc<RouteTable>) -> Self {
        let listeners = bind(config, &ListenConfig::default()).unwrap();
        let state = AdminState {
            health: Arc::new(Health::new()),
            metrics: Arc::new(Metrics::new(1, &ObserveConfig::default()).unwrap()),
            table,
            event_counts: Arc::default(),
            index: 7,
            uuid: "7-a-b-c".into(),
            started_at: SystemTime::now(),
        };
        let local = |addr: SocketAddr| SocketAddr::from((Ipv4Addr::LOCALHOST, addr.port()));
        let (stop, stopped) = oneshot::channel();
        let (status, status_tls) = (listeners.status(), listeners.status_tls());
        let (routes, prometheus) = (listeners.routes(), listeners.prometheus());
        let served = state.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.unwrap().block_on(async {
                tokio::select! {
                    failed = serve(listeners, served) => panic!("{failed:?}"),
                    _ = stopped => {}
                }
            });
        });
        Self {
            status: status.map(local).unwrap(),
            status_tls: status_tls.map(local),
            routes: routes.map(local).unwrap(),
            prometheus: prometheus.map(local).unwrap(),
            state,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Sends raw bytes and reads until the other side closes.
    #[expect(clippy::unused_self, reason = "the ports live as long as the desk")]
    pub(super) fn send(&self, port: SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(port).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        response
    }

    pub(super) fn get(&self, port: SocketAddr, path: &str, headers: &str) -> String {
        let last = "Connection: close\r\n";
        self.send(
            port,
            &format!("GET {path} HTTP/1.1\r\nHost: x\r\n{headers}{last}\r\n"),
        )
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        drop(self.stop.take());
        let ended = self.thread.take().map(JoinHandle::join);
        if !std::thread::panicking() {
            ended.unwrap().unwrap();
        }
    }
}

/// What follows the head of a response.
pub(super) fn body(response: &str) -> &str {
    response.split_once("\r\n\r\n").unwrap().1
}
