//! Requests that never pause for long, each of them counted and none of them tried twice.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::cloud::{DEADLINE, eventually};

/// Clients of one application, until they are told to end.
pub(crate) struct Load {
    shared: Arc<Shared>,
    clients: Vec<JoinHandle<Tally>>,
}

/// What came of the requests.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) served: u64,
    pub(crate) failures: Vec<String>,
    slowest: Duration,
}

#[derive(Default)]
struct Shared {
    ended: AtomicBool,
    served: AtomicU64,
}

impl Load {
    /// Begins, and returns when the first requests were answered.
    pub(crate) fn start(router: SocketAddr, host: &str) -> Self {
        Self::start_with(router, host, "GET")
    }

    /// The same with another method.
    pub(crate) fn start_with(router: SocketAddr, host: &str, method: &'static str) -> Self {
        let shared = Arc::new(Shared::default());
        let clients = (0..CLIENTS).map(|number| {
            let client = Client {
                router,
                // One of them comes anew for each request.
                stays: number > 0,
                method,
                host: host.to_owned(),
                stream: None,
            };
            let shared = Arc::clone(&shared);
            thread::spawn(move || client.run(&shared))
        });
        let load = Self {
            clients: clients.collect(),
            shared,
        };
        load.flows();
        load
    }

    /// Waits until so many more requests were answered that each client has had its share.
    pub(crate) fn flows(&self) {
        let enough = self.shared.served.load(Ordering::Relaxed) + 50 * u64::from(CLIENTS);
        eventually("answers under load", || {
            (self.shared.served.load(Ordering::Relaxed) >= enough).then_some(())
        });
    }

    /// Ends it; every request must have been answered with 200.
    pub(crate) fn expect_no_failure(self, during: &str) {
        self.shared.ended.store(true, Ordering::Relaxed);
        let mut all = Tally::default();
        for client in self.clients {
            let tally = client.join().unwrap();
            all.served += tally.served;
            all.slowest = all.slowest.max(tally.slowest);
            all.failures.extend(tally.failures);
        }
        let Tally {
            served,
            failures,
            slowest,
        } = all;
        println!("{during}: {served} requests, slowest {slowest:?}");
        let first: Vec<&String> = failures.iter().take(5).collect();
        let failed = failures.len();
        assert_eq!(failed, 0, "of {served} during {during}: {first:#?}");
    }
}

struct Client {
    router: SocketAddr,
    stays: bool,
    method: &'static str,
    host: String,
    stream: Option<BufReader<TcpStream>>,
}

impl Client {
    fn run(mut self, shared: &Shared) -> Tally {
        let mut tally = Tally::default();
        let began = Instant::now();
        while !shared.ended.load(Ordering::Relaxed) {
            let asked = Instant::now();
            match self.ask() {
                Ok(answer) if answer.starts_with("HTTP/1.1 200") => {
                    tally.served += 1;
                    shared.served.fetch_add(1, Ordering::Relaxed);
                }
                Ok(answer) => tally
                    .failures
                    .push(format!("{:?}: {answer}", began.elapsed())),
                Err(error) => {
                    tally
                        .failures
                        .push(format!("{:?}: {error}", began.elapsed()));
                    self.stream = None;
                }
            }
            tally.slowest = tally.slowest.max(asked.elapsed());
            // A machine with nothing else to do is no test of what goes on beside.
            thread::park_timeout(PAUSE);
        }
        tally
    }

    /// One request and all of its answer; the answer's head.
    fn ask(&mut self) -> io::Result<String> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => self.connect()?,
        };
        let connection = if self.stays { "keep-alive" } else { "close" };
        let request = format!(
            "{} / HTTP/1.1\r\nHost: {}\r\nConnection: {connection}\r\nContent-Length: 0\r\n\r\n",
            self.method, self.host
        );
        stream.get_mut().write_all(request.as_bytes())?;
        let head = head(&mut stream)?;
        let field = |name: &str| {
            let mut fields = head.lines().filter_map(|line| line.split_once(": "));
            fields
                .find(|(key, _)| key.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.to_ascii_lowercase())
        };
        let length = field("content-length").and_then(|length| length.parse().ok());
        let length: u64 = length.ok_or_else(|| io::Error::other(head.clone()))?;
        let read = io::copy(&mut (&mut stream).take(length), &mut io::sink())?;
        if read < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if self.stays && field("connection").is_none_or(|word| word != "close") {
            self.stream = Some(stream);
        }
        Ok(head)
    }

    fn connect(&self) -> io::Result<BufReader<TcpStream>> {
        let stream = TcpStream::connect_timeout(&self.router, DEADLINE)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        stream.set_nodelay(true)?;
        Ok(BufReader::new(stream))
    }
}

fn head(stream: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(head)
}

const CLIENTS: u8 = 4;
const PAUSE: Duration = Duration::from_millis(2);
