//! Files over HTTP: packages and buildpacks in, droplets and caches out.

use std::io;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http1;
use hyper::header::{CONTENT_LENGTH, ETAG, HOST, IF_NONE_MATCH, LOCATION};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use url::Url;

use crate::dial::Trust;

/// What a download found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Download {
    /// The file, its size in bytes and the tag by which it is known.
    File { bytes: u64, etag: Option<String> },
    /// There is none.
    Missing,
    /// It is still what the given tag says.
    Unchanged,
}

/// Why a file did not get across.
#[derive(Debug, thiserror::Error)]
pub(super) enum TransferError {
    /// The address is none that can be used.
    #[error("`{0}` cannot be fetched: archives come over http:// or https://")]
    Address(String),
    /// Nobody answers there.
    #[error("cannot connect to {host}: {source}")]
    Connect {
        /// Host and port.
        host: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// The exchange broke off.
    #[error("the exchange with {host} broke off: {source}")]
    Exchange {
        /// Host and port.
        host: String,
        /// What was wrong.
        source: hyper::Error,
    },
    /// The file on this side cannot be read or written.
    #[error("cannot use {path}: {source}")]
    File {
        /// Which.
        path: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// No byte came for too long.
    #[error("{host} was silent for {} s", SILENCE.as_secs())]
    Silent {
        /// Host and port.
        host: String,
    },
    /// The other side refused.
    #[error("{host} answered {status}")]
    Status {
        /// Host and port.
        host: String,
        /// Its answer.
        status: StatusCode,
    },
    /// It is larger than it may be.
    #[error("it is larger than {} MB", .0 >> 20)]
    TooLarge(u64),
}

/// Fetches `address` into the file `to`. With a tag, only if it is not what the tag says.
///
/// # Errors
///
/// Fails when the other side does, when no byte comes for 60 s, and beyond `limit` bytes.
pub(super) async fn download(
    trust: &Trust,
    address: &str,
    to: &Path,
    limit: u64,
    tag: Option<&str>,
) -> Result<Download, TransferError> {
    let mut place = Place::parse(address)?;
    for _ in 0..=REDIRECTS_MAX {
        let mut request = place.request(Method::GET);
        if let Some(tag) = tag {
            request = request.header(IF_NONE_MATCH, tag);
        }
        let body = Empty::new().map_err(|never| match never {}).boxed_unsync();
        let response = place.exchange(trust, request.body(body)).await?;
        match response.status() {
            StatusCode::NOT_FOUND | StatusCode::NO_CONTENT => return Ok(Download::Missing),
            StatusCode::NOT_MODIFIED => return Ok(Download::Unchanged),
            status if status.is_redirection() => place = place.redirected(&response)?,
            status if status.is_success() => return save(&place.host, response, to, limit).await,
            status => {
                return Err(TransferError::Status {
                    host: place.host,
                    status,
                });
            }
        }
    }
    Err(TransferError::Address(address.to_owned()))
}

/// Sends the file `from` to `address`.
///
/// # Errors
///
/// Fails when the file cannot be read, or the other side does not take it.
pub(super) async fn upload(trust: &Trust, address: &str, from: &Path) -> Result<(), TransferError> {
    let place = Place::parse(address)?;
    let file = File::open(from)
        .await
        .map_err(|source| file_error(from, source))?;
    let size = file
        .metadata()
        .await
        .map_err(|source| file_error(from, source))?
        .len();
    let request = place.request(Method::PUT).header(CONTENT_LENGTH, size);
    let response = place.exchange(trust, request.body(streamed(file))).await?;
    if !response.status().is_success() {
        return Err(TransferError::Status {
            host: place.host,
            status: response.status(),
        });
    }
    Ok(())
}

type Body = UnsyncBoxBody<Bytes, io::Error>;

/// Where to, taken from an address.
struct Place {
    url: Url,
    host: String,
}

impl Place {
    fn parse(address: &str) -> Result<Self, TransferError> {
        let bad = || TransferError::Address(shown(address));
        let url = Url::parse(address).map_err(|_| bad())?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(bad());
        }
        let name = url.host_str().ok_or_else(bad)?;
        let host = format!("{name}:{}", url.port_or_known_default().unwrap_or(80));
        Ok(Self { url, host })
    }

    fn redirected(&self, response: &Response<Incoming>) -> Result<Self, TransferError> {
        let to = response.headers().get(LOCATION);
        let to = to.and_then(|to| to.to_str().ok()).unwrap_or_default();
        let url = self.url.join(to);
        Self::parse(url.map_err(|_| TransferError::Address(shown(to)))?.as_str())
    }

    fn request(&self, method: Method) -> http::request::Builder {
        let query = self.url.query();
        let target = query.map_or_else(
            || self.url.path().to_owned(),
            |query| format!("{}?{query}", self.url.path()),
        );
        Request::builder()
            .method(method)
            .uri(target)
            .header(HOST, &self.host)
    }

    /// One exchange on a connection of its own, which ends with the answer's body.
    async fn exchange(
        &self,
        trust: &Trust,
        request: Result<Request<Body>, http::Error>,
    ) -> Result<Response<Incoming>, TransferError> {
        let request = request.map_err(|_| TransferError::Address(shown(self.url.as_str())))?;
        let connecting = timeout(CONNECT, trust.dial(&self.url));
        let connected = connecting
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))
            .and_then(|connected| connected);
        let stream = connected.map_err(|source| TransferError::Connect {
            host: self.host.clone(),
            source,
        })?;
        let broken = |source| TransferError::Exchange {
            host: self.host.clone(),
            source,
        };
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(broken)?;
        // It ends by itself when the answer has been read or dropped.
        tokio::spawn(async move {
            let _ = connection.await;
        });
        sender.send_request(request).await.map_err(broken)
    }
}

async fn save(
    host: &str,
    response: Response<Incoming>,
    to: &Path,
    limit: u64,
) -> Result<Download, TransferError> {
    let etag = response.headers().get(ETAG);
    let etag = etag.and_then(|etag| etag.to_str().ok()).map(str::to_owned);
    let mut body = response.into_body();
    let mut file = File::create(to)
        .await
        .map_err(|source| file_error(to, source))?;
    let mut bytes = 0;
    loop {
        let silent = |_| TransferError::Silent {
            host: host.to_owned(),
        };
        let Some(frame) = timeout(SILENCE, body.frame()).await.map_err(silent)? else {
            break;
        };
        let frame = frame.map_err(|source| TransferError::Exchange {
            host: host.to_owned(),
            source,
        })?;
        let Ok(chunk) = frame.into_data() else {
            continue;
        };
        bytes += chunk.len() as u64;
        if bytes > limit {
            return Err(TransferError::TooLarge(limit));
        }
        file.write_all(&chunk)
            .await
            .map_err(|source| file_error(to, source))?;
    }
    file.flush()
        .await
        .map_err(|source| file_error(to, source))?;
    Ok(Download::File { bytes, etag })
}

fn streamed(file: File) -> Body {
    let chunks = stream::unfold(file, async |mut file| {
        let mut chunk = vec![0; CHUNK_BYTES];
        match file.read(&mut chunk).await {
            Ok(0) => None,
            Ok(read) => {
                chunk.truncate(read);
                Some((Ok(Frame::data(Bytes::from(chunk))), file))
            }
            Err(error) => Some((Err(error), file)),
        }
    });
    StreamBody::new(chunks).boxed_unsync()
}

/// An address without its query, which holds a signature.
fn shown(address: &str) -> String {
    let plain = address.split('?').next().unwrap_or(address);
    plain.to_owned()
}

fn file_error(path: &Path, source: io::Error) -> TransferError {
    TransferError::File {
        path: path.display().to_string(),
        source,
    }
}

const CHUNK_BYTES: usize = 64 << 10;
const CONNECT: Duration = Duration::from_secs(10);
const REDIRECTS_MAX: usize = 5;
const SILENCE: Duration = Duration::from_secs(60);
