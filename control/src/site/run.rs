//! From options to a site that answers until it is told to end.

use std::convert::Infallible;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::error::SiteError;
use super::respond::{Body, respond};

/// What `switchyard static` is asked to do.
#[derive(Clone, Debug, clap::Args)]
pub struct SiteOptions {
    /// The directory whose files are served
    #[arg(long, value_name = "DIRECTORY", default_value = ".")]
    dir: PathBuf,

    /// The address to listen on
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::UNSPECIFIED))]
    listen: IpAddr,

    /// The port to listen on; 0 means any
    #[arg(long, value_name = "PORT", env = "PORT", default_value_t = 8080)]
    port: u16,
}

/// Serves a directory until SIGTERM or SIGINT, then lets what is in flight finish.
///
/// # Errors
///
/// Fails when the directory or the port cannot be used.
pub fn run(options: &SiteOptions) -> Result<(), SiteError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(SiteError::Runtime)?;
    runtime.block_on(site(options))
}

async fn site(options: &SiteOptions) -> Result<(), SiteError> {
    let directory = |source| SiteError::Directory {
        path: options.dir.clone(),
        source,
    };
    let root = fs::canonicalize(&options.dir).map_err(directory)?;
    fs::read_dir(&root).map_err(directory)?;
    let address = SocketAddr::new(options.listen, options.port);
    let listener = TcpListener::bind(address)
        .await
        .map_err(|source| SiteError::Listen { address, source })?;
    let address = listener.local_addr().map_err(SiteError::Runtime)?;
    let mut end = signal(SignalKind::terminate()).map_err(SiteError::Runtime)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(SiteError::Runtime)?;
    println!("serving {} on {address}", root.display());
    serve(listener, root.into(), &mut end, &mut interrupt).await;
    Ok(())
}

async fn serve(listener: TcpListener, root: Arc<Path>, end: &mut Signal, interrupt: &mut Signal) {
    let (stop, stopped) = watch::channel(false);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < CONNECTIONS_MAX => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(converse(stream, Arc::clone(&root), stopped.clone()));
                }
                // Out of descriptors, for example: those that are open must close first.
                Err(_) => sleep(ACCEPT_PAUSE).await,
            },
            Some(_) = connections.join_next() => {}
            _ = end.recv() => break,
            _ = interrupt.recv() => break,
        }
    }
    drop(listener);
    stop.send_replace(true);
    let _ = timeout(DRAIN, async {
        while connections.join_next().await.is_some() {}
    })
    .await;
}

async fn converse(stream: TcpStream, root: Arc<Path>, mut stopped: watch::Receiver<bool>) {
    // Small answers should not wait for a later one; a failure costs latency only.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| answer(Arc::clone(&root), request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(REQUEST_PAUSE)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        _ = &mut connection => return,
        _ = stopped.wait_for(|stopped| *stopped) => connection.as_mut().graceful_shutdown(),
    }
    // Whatever a client did wrong ends its own connection only.
    let _ = connection.await;
}

async fn answer(root: Arc<Path>, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let response = respond(&root, &request).await;
    // The path alone: a query may hold what no log should.
    let (method, path) = (request.method(), request.uri().path());
    println!("{method} {path} {}", response.status().as_u16());
    Ok(response)
}

const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
const CONNECTIONS_MAX: usize = 4096;
/// Less than the ten seconds after which a runtime kills what it asked to end.
const DRAIN: Duration = Duration::from_secs(8);
/// Longer than the 90 s for which a router keeps an idle connection, so that it closes first.
const REQUEST_PAUSE: Duration = Duration::from_secs(120);
