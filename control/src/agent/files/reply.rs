//! One request for a file, from its query to the answer.

use std::fs::File;
use std::io::SeekFrom;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use super::open::{Entry, Refusal, open};
use super::query::Query;
use super::sign::Claim;
use super::{listing, tail};
use crate::agent::instance::Instance;
use crate::agent::node::Node;
use crate::range::{Part, part};
use crate::wire::InstanceState;

/// Answers for one instance.
pub(in crate::agent) async fn serve(
    State(node): State<Arc<Node>>,
    Path(guid): Path<String>,
    uri: Uri,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = Query::read(&query.unwrap_or_default());
    match found(&node, &guid, uri.path(), &query).await {
        Ok(Entry::Directory(directory)) => shown(directory).await,
        Ok(Entry::File(file)) if query.tail => told(file, query.tail_offset).await,
        Ok(Entry::File(file)) => sent(file, &headers).await,
        Err(refused) => refused.into_response(),
    }
}

type Refused = (StatusCode, &'static str);

/// Opens what is asked for, if whoever asks may see it.
async fn found(node: &Node, guid: &str, place: &str, query: &Query) -> Result<Entry, Refused> {
    let (Some(timestamp), Some(hmac)) = (query.timestamp, &query.hmac) else {
        return Err((StatusCode::BAD_REQUEST, "timestamp or hmac is missing\n"));
    };
    let claim = Claim {
        place,
        path: &query.path,
        timestamp,
    };
    if !claim.is_fresh(node.now()) {
        return Err((StatusCode::BAD_REQUEST, "the address has expired\n"));
    }
    if !node.secret.signed(&claim, hmac) {
        return Err((StatusCode::UNAUTHORIZED, "the signature is wrong\n"));
    }
    let unknown = (StatusCode::NOT_FOUND, "there is no such instance\n");
    let instance = node.roster.find(guid).ok_or(unknown)?;
    let root = node.root_of(guid);
    if !has_files(&instance) || !root.is_dir() {
        let early = "the instance has no files yet\n";
        return Err((StatusCode::SERVICE_UNAVAILABLE, early));
    }
    let path = query.path.clone();
    let opened = tokio::task::spawn_blocking(move || open(&root, &path)).await;
    opened
        .unwrap_or(Err(Refusal::Forbidden))
        .map_err(|refusal| match refusal {
            Refusal::Forbidden => (StatusCode::FORBIDDEN, "not a file of the instance\n"),
            Refusal::Malformed => (StatusCode::BAD_REQUEST, "not a path\n"),
            Refusal::Missing => (StatusCode::NOT_FOUND, "there is no such file\n"),
        })
}

/// Whether its files are all there.
fn has_files(instance: &Instance) -> bool {
    !matches!(instance.state, InstanceState::Born)
}

async fn shown(directory: File) -> Response {
    let listed = tokio::task::spawn_blocking(move || listing::listing(&directory)).await;
    match listed {
        Ok(Ok(text)) => ([(header::CONTENT_TYPE, TEXT)], text).into_response(),
        Ok(Err(_)) | Err(_) => unreadable(),
    }
}

async fn told(file: File, offset: Option<u64>) -> Response {
    match tail::tail(file.into(), offset, tail::Patience::default()).await {
        Ok(stream) => ([(header::CONTENT_TYPE, BYTES)], Body::from_stream(stream)).into_response(),
        Err(_) => unreadable(),
    }
}

/// A file, or the part of it that is asked for.
async fn sent(file: File, headers: &HeaderMap) -> Response {
    let Ok(metadata) = file.metadata() else {
        return unreadable();
    };
    let length = metadata.len();
    let asked = headers.get(header::RANGE).and_then(|r| r.to_str().ok());
    let part = asked.map_or(Part::Whole, |asked| part(asked, length));
    let (status, first, count) = match part {
        Part::Whole => (StatusCode::OK, 0, length),
        Part::Bytes { first, last } => (StatusCode::PARTIAL_CONTENT, first, last - first + 1),
        Part::Outside => {
            let range = [(header::CONTENT_RANGE, format!("bytes */{length}"))];
            return (StatusCode::RANGE_NOT_SATISFIABLE, range).into_response();
        }
    };
    let mut file = tokio::fs::File::from(file);
    if file.seek(SeekFrom::Start(first)).await.is_err() {
        return unreadable();
    }
    let fields = [
        (header::CONTENT_TYPE, BYTES.to_owned()),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
        (header::CONTENT_LENGTH, count.to_string()),
    ];
    let mut response = (status, fields, streamed(file, count)).into_response();
    if status == StatusCode::PARTIAL_CONTENT {
        let range = format!("bytes {first}-{}/{length}", first + count - 1);
        if let Ok(range) = range.parse() {
            response.headers_mut().insert(header::CONTENT_RANGE, range);
        }
    }
    response
}

/// The next `count` bytes. A file that became shorter breaks the answer off.
fn streamed(file: tokio::fs::File, count: u64) -> Body {
    let chunks = stream::unfold((file, count), async |(mut file, left)| {
        let size = usize::try_from(left).unwrap_or(CHUNK_BYTES);
        let mut chunk = vec![0; size.min(CHUNK_BYTES)];
        if chunk.is_empty() {
            return None;
        }
        match file.read(&mut chunk).await {
            Ok(0) => {
                let short = std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
                Some((Err(short), (file, 0)))
            }
            Ok(read) => {
                chunk.truncate(read);
                Some((Ok(chunk), (file, left - read as u64)))
            }
            Err(error) => Some((Err(error), (file, 0))),
        }
    });
    Body::from_stream(chunks)
}

fn unreadable() -> Response {
    let text = "it cannot be read\n";
    (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
}

const TEXT: &str = "text/plain; charset=utf-8";
/// A browser must not run what an application wrote.
const BYTES: &str = "application/octet-stream";
const CHUNK_BYTES: usize = 32 << 10;
