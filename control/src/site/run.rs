//! From options to a site that answers until it is told to end.

use std::convert::Infallible;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::error::SiteError;
use super::respond::{Body, respond};
use crate::serve::{ServeLimits, serve};

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
    let root: Arc<Path> = root.into();
    let service = service_fn(move |request| answer(Arc::clone(&root), request));
    let stop = async {
        tokio::select! {
            _ = end.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    serve(listener, service, ServeLimits::new(DRAIN), stop).await;
    Ok(())
}

async fn answer(root: Arc<Path>, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let response = respond(&root, &request).await;
    // The path alone: a query may hold what no log should.
    let (method, path) = (request.method(), request.uri().path());
    println!("{method} {path} {}", response.status().as_u16());
    Ok(response)
}

/// Less than the ten seconds after which a runtime kills what it asked to end.
const DRAIN: Duration = Duration::from_secs(8);
