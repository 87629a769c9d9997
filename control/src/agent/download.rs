//! Fetching a file over HTTP: streamed to disk, with its digests.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::fs::File;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;
use url::Url;

use crate::dial::Trust;

/// What was fetched.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Downloaded {
    /// Its SHA-1 in hex.
    pub(crate) sha1: String,
    /// Its SHA-256 in hex.
    pub(crate) sha256: String,
    /// Its length.
    pub(crate) bytes: u64,
}

/// Fetches `url` into the file `to`, which is made or emptied.
pub(crate) async fn download(
    trust: &Trust,
    url: &str,
    to: &Path,
) -> Result<Downloaded, DownloadError> {
    let address = Url::parse(url).map_err(|_| DownloadError::Address)?;
    let host = address.host_str().ok_or(DownloadError::Address)?;
    if !matches!(address.scheme(), "http" | "https") {
        return Err(DownloadError::Address);
    }
    let port = address.port_or_known_default().unwrap_or(80);
    let stream = timeout(CONNECT, trust.dial(&address))
        .await
        .map_err(|_late| DownloadError::Late)?
        .map_err(DownloadError::Connect)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(DownloadError::Exchange)?;
    let request = Request::get(path_and_query(&address))
        .header("Host", format!("{host}:{port}"))
        .header("Connection", "close")
        .body(Empty::<Bytes>::new())
        .map_err(|_| DownloadError::Address)?;
    // The sender moves in, so that the connection ends with the answer.
    let transfer = async move {
        let response = timeout(PATIENCE, sender.send_request(request))
            .await
            .map_err(|_late| DownloadError::Late)?
            .map_err(DownloadError::Exchange)?;
        match response.status() {
            StatusCode::OK => save(response, to).await,
            status => Err(DownloadError::Status(status)),
        }
    };
    // What is wrong with the connection is told by the transfer, which may have ended well before.
    let (done, _ended) = tokio::join!(transfer, connection);
    done
}

async fn save(response: Response<Incoming>, to: &Path) -> Result<Downloaded, DownloadError> {
    let disk = |source| DownloadError::Disk {
        path: to.to_path_buf(),
        source,
    };
    let mut file = File::create(to).await.map_err(disk)?;
    let mut body = response.into_body();
    let (mut sha1, mut sha256) = (
        Context::new(&SHA1_FOR_LEGACY_USE_ONLY),
        Context::new(&SHA256),
    );
    let mut bytes = 0;
    loop {
        let frame = timeout(PATIENCE, body.frame());
        let Some(frame) = frame.await.map_err(|_late| DownloadError::Late)? else {
            break;
        };
        let frame = frame.map_err(DownloadError::Exchange)?;
        if let Some(chunk) = frame.data_ref() {
            sha1.update(chunk);
            sha256.update(chunk);
            bytes += chunk.len() as u64;
            file.write_all(chunk).await.map_err(disk)?;
        }
    }
    file.flush().await.map_err(disk)?;
    Ok(Downloaded {
        sha1: hex(sha1.finish().as_ref()),
        sha256: hex(sha256.finish().as_ref()),
        bytes,
    })
}

fn path_and_query(address: &Url) -> String {
    match address.query() {
        Some(query) => format!("{}?{query}", address.path()),
        None => address.path().to_owned(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Why a file could not be fetched. The address is not told: it is signed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DownloadError {
    #[error("the address is no `http://` or `https://` address")]
    Address,
    #[error("no connection: {0}")]
    Connect(io::Error),
    #[error("cannot write {}: {source}", path.display())]
    Disk { path: PathBuf, source: io::Error },
    #[error("the transfer broke off: {0}")]
    Exchange(hyper::Error),
    #[error("the other side is silent")]
    Late,
    #[error("the answer was {0}")]
    Status(StatusCode),
}

const CONNECT: Duration = Duration::from_secs(10);
/// How long nothing at all may arrive.
const PATIENCE: Duration = Duration::from_secs(30);
