//! Serving HTTP: the connections of one listener, until told to stop.
//!
//! A client that says nothing, or says it too slowly, keeps its connection for a limited time only; how
//! long the body of a request may take is for whoever reads it.

use std::convert::Infallible;
use std::error::Error;
use std::future::Future;
use std::time::Duration;

use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// What the clients of one listener may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ServeLimits {
    /// Connections at once; more wait until one closes.
    pub(crate) connections: usize,
    /// How long what is in flight may go on once it is time to stop.
    pub(crate) drain: Duration,
    /// How long the head of a request may be on its way, and how long a connection may be idle.
    pub(crate) request_pause: Duration,
}

impl ServeLimits {
    /// The limits of a server whose requests in flight may take `drain` to end.
    pub(crate) fn new(drain: Duration) -> Self {
        Self {
            connections: 4096,
            drain,
            // Longer than the 90 s for which a router keeps an idle connection, so that it closes first.
            request_pause: Duration::from_secs(120),
        }
    }
}

/// Answers every request with `service` until `stop` is done; then finishes what is in flight.
pub(crate) async fn serve<S, B>(
    listener: TcpListener,
    service: S,
    limits: ServeLimits,
    stop: impl Future<Output = ()>,
) where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new());
    http.header_read_timeout(limits.request_pause);
    let (graceful, mut connections) = (GracefulShutdown::new(), JoinSet::new());
    tokio::pin!(stop);
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < limits.connections => match accepted {
                Ok((stream, _)) => {
                    // Small answers should not wait for a later one; a failure costs latency only.
                    let _ = stream.set_nodelay(true);
                    let connection = http.serve_connection(TokioIo::new(stream), service.clone());
                    // Whatever a client did wrong ends its own connection only.
                    connections.spawn(graceful.watch(connection));
                }
                // Out of descriptors, for example: those that are open must close first.
                Err(_) => sleep(ACCEPT_PAUSE).await,
            },
            Some(_) = connections.join_next() => {}
            () = &mut stop => break,
        }
    }
    drop(listener);
    let _ = timeout(limits.drain, graceful.shutdown()).await;
}

const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use bytes::Bytes;
    use http_body_util::Full;
    use hyper::service::service_fn;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;
    use tokio::sync::oneshot;

    use super::*;

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

    fn limits() -> ServeLimits {
        ServeLimits {
            request_pause: Duration::from_millis(50),
            ..ServeLimits::new(Duration::from_secs(30))
        }
    }

    /// Serves `ok` once the given word was said; dropping the sender stops it.
    async fn start(limits: ServeLimits) -> (SocketAddr, oneshot::Sender<()>, JoinSet<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let service = service_fn(async |_request| {
            let body = Full::new(Bytes::from_static(b"ok"));
            Ok::<_, Infallible>(Response::new(body))
        });
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, service, limits, async {
            let _ = stopped.await;
        }));
        (address, stop, serving)
    }

    async fn said(stream: &mut TcpStream) -> String {
        let mut text = String::new();
        let reading = stream.read_to_string(&mut text);
        let _reset = timeout(Duration::from_secs(30), reading).await.unwrap();
        text
    }

    #[tokio::test]
    async fn a_head_that_never_ends_is_not_waited_for() {
        let (address, _stop, _serving) = start(limits()).await;
        for beginning in ["", "GET / HTTP/1.1\r\nHost: a"] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(beginning.as_bytes()).await.unwrap();
            let text = said(&mut stream).await;
            assert!(!text.contains(" 200 "), "{text}");
        }
    }

    #[tokio::test]
    async fn an_idle_connection_ends() {
        let (address, _stop, _serving) = start(limits()).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(REQUEST).await.unwrap();
        let text = said(&mut stream).await;
        assert!(text.starts_with("HTTP/1.1 200 "), "{text}");
    }

    #[tokio::test]
    async fn one_connection_too_many_waits_for_another_to_close() {
        let one = ServeLimits {
            connections: 1,
            ..ServeLimits::new(Duration::ZERO)
        };
        let (address, _stop, _serving) = start(one).await;
        let mut first = TcpStream::connect(address).await.unwrap();
        first.write_all(REQUEST).await.unwrap();
        let mut answer = [0; 12];
        first.read_exact(&mut answer).await.unwrap();
        let mut second = TcpStream::connect(address).await.unwrap();
        second.write_all(REQUEST).await.unwrap();
        drop(first);
        second.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");
    }

    #[tokio::test]
    async fn told_to_stop_it_ends_what_is_idle() {
        let (address, stop, mut serving) = start(ServeLimits::new(Duration::from_secs(30))).await;
        let mut idle = TcpStream::connect(address).await.unwrap();
        idle.write_all(REQUEST).await.unwrap();
        let mut answer = [0; 12];
        idle.read_exact(&mut answer).await.unwrap();
        stop.send(()).unwrap();
        said(&mut idle).await;
        let ended = timeout(Duration::from_secs(30), serving.join_next()).await;
        ended.unwrap().unwrap().unwrap();
        assert!(TcpStream::connect(address).await.is_err());
    }
}
