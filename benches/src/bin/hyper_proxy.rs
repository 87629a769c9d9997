//! A tuned hyper proxy: hyper on both sides, one thread, a pool of idle connections without locks.
//!
//! It is the best that hyper gives with little code of ours around it, and it does less than a router: no routes, no
//! retries, no timeouts. While the router beats it by more than a tenth, the router's own HTTP/1 earns its keep.

use std::cell::{Cell, RefCell};
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context as _;
use clap::Parser;
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;
use hyper::header::{HeaderName, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{LocalSet, spawn_local};

/// Forwards HTTP/1.1 to one origin with hyper on both sides.
#[derive(Parser)]
struct Args {
    /// Where to listen; port 0 takes any free port.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Where to forward to.
    #[arg(long)]
    origin: SocketAddr,
    /// Log each request to this file.
    #[arg(long)]
    access_log: Option<PathBuf>,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    // perf: few looks at timers and at other tasks' queues between batches of ready sockets.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .event_interval(61)
        .max_io_events_per_tick(256)
        .build()?;
    LocalSet::new().block_on(&runtime, run(args))
}

async fn run(args: Args) -> anyhow::Result<()> {
    let listener = TcpListener::from_std(benches::poller::listen(args.listen)?)?;
    println!("listening {}", listener.local_addr()?);
    let log = args.access_log.map(AccessLog::open).transpose()?;
    let proxy = Rc::new(Proxy {
        origin: args.origin,
        idle: RefCell::default(),
        ids: Cell::new(1),
        log,
    });
    if proxy.log.is_some() {
        spawn_local(Rc::clone(&proxy).flush_log());
    }
    loop {
        let (stream, client) = listener.accept().await?;
        spawn_local(Rc::clone(&proxy).serve(stream, client));
    }
}

struct Proxy {
    origin: SocketAddr,
    idle: RefCell<Vec<SendRequest<Incoming>>>,
    ids: Cell<u64>,
    log: Option<AccessLog>,
}

impl Proxy {
    async fn serve(self: Rc<Self>, stream: TcpStream, client: SocketAddr) {
        stream.set_nodelay(true).ok();
        let forwarded_for = HeaderValue::try_from(client.ip().to_string()).ok();
        let service = service_fn(|request| self.forward(request, client, forwarded_for.clone()));
        // A client that breaks its connection is its own affair.
        hyper::server::conn::http1::Builder::new()
            .pipeline_flush(true)
            .header_read_timeout(None)
            .serve_connection(TokioIo::new(stream), service)
            .await
            .ok();
    }

    async fn forward(
        &self,
        mut request: Request<Incoming>,
        client: SocketAddr,
        forwarded_for: Option<HeaderValue>,
    ) -> anyhow::Result<Response<Incoming>> {
        let received = Instant::now();
        self.add_fields(&mut request, forwarded_for);
        let line = self.log.as_ref().map(|_| request_line(&request));
        let mut sender = self.sender().await?;
        let response = sender.send_request(request).await?;
        if let (Some(log), Some(line)) = (&self.log, line) {
            let length = response.headers().get(hyper::header::CONTENT_LENGTH);
            let bytes = length.and_then(|value| value.to_str().ok()).unwrap_or("-");
            let status = response.status().as_u16();
            let seconds = received.elapsed().as_secs_f64();
            log.write(format_args!(
                "{client} - [{}] \"{line}\" {status} 0 {bytes} \"{}\" response_time:{seconds:.6}\n",
                unix_millis(),
                self.origin,
            ));
        }
        self.give_back(sender);
        Ok(response)
    }

    fn add_fields(&self, request: &mut Request<Incoming>, forwarded_for: Option<HeaderValue>) {
        let id = self
            .ids
            .replace(self.ids.get().wrapping_mul(6_364_136_223_846_793_005) + 1);
        let fields = request.headers_mut();
        if let Some(value) = forwarded_for {
            fields.append(X_FORWARDED_FOR, value);
        }
        fields.insert(X_FORWARDED_PROTO, HeaderValue::from_static("http"));
        fields.insert(X_REQUEST_START, HeaderValue::from(unix_millis()));
        let id = format!("{id:016x}-{:016x}", id.rotate_left(32));
        if let Ok(value) = HeaderValue::try_from(id) {
            fields.insert(X_VCAP_REQUEST_ID, value);
        }
    }

    /// Takes an idle connection, or opens one.
    async fn sender(&self) -> anyhow::Result<SendRequest<Incoming>> {
        while let Some(mut sender) = self.take_idle() {
            // A sender is ready a moment after its last answer has been read to the end.
            if sender.ready().await.is_ok() {
                return Ok(sender);
            }
        }
        let stream = TcpStream::connect(self.origin).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        spawn_local(connection);
        Ok(sender)
    }

    fn take_idle(&self) -> Option<SendRequest<Incoming>> {
        let mut idle = self.idle.borrow_mut();
        let ready = idle.iter().rposition(SendRequest::is_ready)?;
        Some(idle.swap_remove(ready))
    }

    fn give_back(&self, sender: SendRequest<Incoming>) {
        if !sender.is_closed() {
            self.idle.borrow_mut().push(sender);
        }
    }

    async fn flush_log(self: Rc<Self>) {
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        loop {
            tick.tick().await;
            if let Some(log) = &self.log {
                log.flush();
            }
        }
    }
}

/// Lines that are written 64 KiB at a time.
struct AccessLog(RefCell<std::io::BufWriter<std::fs::File>>);

impl AccessLog {
    fn open(path: PathBuf) -> anyhow::Result<Self> {
        let file = std::fs::File::options()
            .create(true)
            .append(true)
            .open(&path);
        let file = file.with_context(|| path.display().to_string())?;
        Ok(Self(RefCell::new(std::io::BufWriter::with_capacity(
            64 * 1024,
            file,
        ))))
    }

    fn write(&self, line: std::fmt::Arguments<'_>) {
        // A full disk must not stop the traffic.
        self.0.borrow_mut().write_fmt(line).ok();
    }

    fn flush(&self) {
        self.0.borrow_mut().flush().ok();
    }
}

fn request_line(request: &Request<Incoming>) -> String {
    let host = request
        .headers()
        .get(hyper::header::HOST)
        .map_or("-", |h| h.to_str().unwrap_or("-"));
    format!(
        "{} {host}{} {:?}",
        request.method(),
        request.uri(),
        request.version()
    )
}

fn unix_millis() -> u64 {
    SystemTime::UNIX_EPOCH
        .elapsed()
        .map_or(0, |since| since.as_millis() as u64)
}

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_REQUEST_START: HeaderName = HeaderName::from_static("x-request-start");
const X_VCAP_REQUEST_ID: HeaderName = HeaderName::from_static("x-vcap-request-id");
