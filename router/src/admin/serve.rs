//! Serve: the status ports, on the control thread.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tracing::{debug, warn};

use super::AdminState;
use super::bind::{AdminListeners, Port};
use super::patience::Patient;
use super::rates;
use super::site::{Pages, Site};

/// Answers on the status ports until it is dropped, with all its connections.
///
/// For a tokio runtime with timers and I/O; it needs no more than the control thread.
///
/// # Errors
///
/// Fails when the runtime does not take a port.
pub async fn serve(listeners: AdminListeners, state: AdminState) -> io::Result<Infallible> {
    let host = listeners.status().or_else(|| listeners.routes());
    let host = host.map(|address| address.to_string()).unwrap_or_default();
    let pages = Pages::new(state, listeners.credentials, host);
    let mut tasks = JoinSet::new();
    for port in listeners.ports {
        let listener = TcpListener::from_std(port.listener.try_clone()?)?;
        tasks.spawn(accept(listener, port, Arc::clone(&pages)));
    }
    loop {
        sleep(rates::TICK).await;
        pages.varz.tick();
    }
}

async fn accept(listener: TcpListener, port: Port, pages: Arc<Pages>) {
    let slots = Arc::new(Semaphore::new(CONNECTIONS_PER_PORT));
    let mut connections = JoinSet::new();
    loop {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else {
            return;
        };
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, _client)) => {
                let visit = Visit {
                    site: port.site,
                    pages: Arc::clone(&pages),
                    _slot: slot,
                };
                connections.spawn(visit.receive(stream, port.tls.clone()));
            }
            Err(error) => {
                warn!(port = %port.address, %error, "status-accept-failed");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// One connection to a status port.
struct Visit {
    site: Site,
    pages: Arc<Pages>,
    _slot: OwnedSemaphorePermit,
}

impl Visit {
    async fn receive(self, stream: TcpStream, tls: Option<Arc<ServerConfig>>) {
        let Some(tls) = tls else {
            return self.talk(stream).await;
        };
        match timeout(PATIENCE, TlsAcceptor::from(tls).accept(stream)).await {
            Ok(Ok(stream)) => self.talk(stream).await,
            Ok(Err(error)) => debug!(site = self.site.name(), %error, "status-tls-failed"),
            Err(_elapsed) => debug!(site = self.site.name(), "status-tls-timed-out"),
        }
    }

    async fn talk(self, stream: impl AsyncRead + AsyncWrite + Unpin) {
        let service = service_fn(async |request| {
            Ok::<_, Infallible>(self.pages.answer(self.site, &request).await)
        });
        let stream = TokioIo::new(Patient::new(stream, PATIENCE));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(PATIENCE)
            .half_close(true)
            .title_case_headers(true)
            .max_buf_size(MAX_HEAD_BYTES)
            .serve_connection(stream, service);
        if let Err(error) = connection.await {
            debug!(site = self.site.name(), %error, "status-connection-failed");
        }
    }
}

/// gorouter's read and write timeout of these ports.
const PATIENCE: Duration = Duration::from_secs(10);
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
const CONNECTIONS_PER_PORT: usize = 256;
const MAX_HEAD_BYTES: usize = 64 << 10;
