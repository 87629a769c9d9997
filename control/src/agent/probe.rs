//! One look at an instance: does it answer?

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::wire::{HealthCheck, HealthCheckKind, StartMessage};

/// A health or readiness check with all its figures.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Check {
    pub(super) look: Look,
    /// How long the first success may take.
    pub(super) patience: Duration,
    /// How long one look may take.
    pub(super) invocation: Duration,
    /// From one look to the next, once it was healthy.
    pub(super) interval: Duration,
}

/// What is looked at.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Look {
    /// The path is answered with 200.
    Http(String),
    /// The port takes a connection.
    Port,
    /// The program runs; that is seen without a look.
    Process,
}

impl Check {
    /// The health check of a start message; its port when it has routes and nothing else is said.
    pub(super) fn health(start: &StartMessage) -> Self {
        let unsaid = HealthCheck {
            kind: if start.uris.is_empty() {
                HealthCheckKind::Process
            } else {
                HealthCheckKind::Port
            },
            ..HealthCheck::default()
        };
        let check = start.health_check.as_ref().unwrap_or(&unsaid);
        Self::new(check, start.health_check_timeout)
    }

    /// The readiness check, when there is one that looks at anything.
    pub(super) fn readiness(start: &StartMessage) -> Option<Self> {
        let check = Self::new(start.readiness_health_check.as_ref()?, None);
        (check.look != Look::Process).then_some(check)
    }

    fn new(check: &HealthCheck, timeout: Option<u32>) -> Self {
        let said = &check.data;
        let seconds = |said: Option<u32>, usual: u64| {
            Duration::from_secs(said.filter(|n| *n > 0).map_or(usual, u64::from))
        };
        Self {
            look: match check.kind {
                HealthCheckKind::Http => {
                    Look::Http(said.endpoint.clone().unwrap_or_else(|| "/".to_owned()))
                }
                HealthCheckKind::Port => Look::Port,
                HealthCheckKind::Process => Look::Process,
            },
            patience: seconds(said.timeout.or(timeout), 60).min(LONGEST),
            invocation: seconds(said.invocation_timeout, 1),
            interval: seconds(said.interval, 30),
        }
    }

    /// Looks once; says what is wrong, for people.
    pub(super) async fn look(&self, addr: SocketAddr) -> Result<(), String> {
        let looking = async {
            match &self.look {
                Look::Http(path) => ask(addr, path).await,
                Look::Port => connect(addr).await.map(drop),
                Look::Process => Ok(()),
            }
        };
        let late = || format!("no answer within {} s", self.invocation.as_secs());
        let seen = timeout(self.invocation, looking).await;
        seen.unwrap_or_else(|_late| Err(late()))
    }
}

async fn connect(addr: SocketAddr) -> Result<TcpStream, String> {
    // Most often the program listens on a port of its own, or on an address that only it can reach.
    TcpStream::connect(addr).await.map_err(|error| {
        format!(
            "port {} takes no connection ({error}); listen on 0.0.0.0 and on the port in $PORT",
            addr.port()
        )
    })
}

async fn ask(addr: SocketAddr, path: &str) -> Result<(), String> {
    let stream = connect(addr).await?;
    let request = Request::get(path)
        .header("Host", addr.to_string())
        .header("User-Agent", "switchyard-health-check")
        .body(Empty::<Bytes>::new())
        .map_err(|_| format!("`{path}` is no path"))?;
    let (mut sender, connection) = http1::handshake::<_, Empty<Bytes>>(TokioIo::new(stream))
        .await
        .map_err(|error| error.to_string())?;
    // The sender moves in, so that the connection ends with the answer; an end that comes with the
    // answer must not hide it.
    let asked = async move { sender.send_request(request).await };
    let (answer, _ended) = tokio::join!(asked, connection);
    let answer = answer.map_err(|error| error.to_string())?;
    match answer.status() {
        StatusCode::OK => Ok(()),
        status => Err(format!("GET {path} was answered with {}", status.as_u16())),
    }
}

/// More than this is not waited for, whatever a message says.
const LONGEST: Duration = Duration::from_secs(1800);

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    fn check(look: Look) -> Check {
        Check {
            look,
            patience: Duration::from_secs(5),
            invocation: Duration::from_secs(5),
            interval: Duration::from_secs(5),
        }
    }

    /// An endpoint that answers one request with this status.
    async fn answering(status: u16) -> (SocketAddr, tokio::task::JoinSet<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut buffer = [0; 1024];
            let _ = stream.read(&mut buffer).await;
            let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n");
            let _ = stream.write_all(answer.as_bytes()).await;
        });
        (addr, tasks)
    }

    #[tokio::test]
    async fn only_200_is_healthy() {
        let (addr, _task) = answering(200).await;
        check(Look::Http("/up".into())).look(addr).await.unwrap();
        let (addr, _task) = answering(503).await;
        let wrong = check(Look::Http("/up".into()))
            .look(addr)
            .await
            .unwrap_err();
        assert_eq!(wrong, "GET /up was answered with 503");
    }

    #[tokio::test]
    async fn a_port_that_nobody_listens_on_is_told_with_what_helps() {
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = free.local_addr().unwrap();
        drop(free);
        let wrong = check(Look::Port).look(addr).await.unwrap_err();
        assert!(wrong.contains("listen on 0.0.0.0"), "{wrong}");
    }

    #[test]
    fn a_process_without_routes_is_healthy_when_it_runs() {
        let mut start = StartMessage::default();
        assert_eq!(Check::health(&start).look, Look::Process);
        start.uris.push("a.localhost".into());
        start.health_check_timeout = Some(90);
        let health = Check::health(&start);
        assert_eq!((health.look, health.patience.as_secs()), (Look::Port, 90));
        assert_eq!(Check::readiness(&start), None);
    }
}
