//! From a request to its answer.

use std::fs::Metadata;
use std::io::{self, SeekFrom};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use futures_util::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use super::find::{Found, OpenFile, find, missing_page};
use super::kind::content_type;
use crate::range::{Part, part};

/// The body of an answer.
pub(super) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// Answers one request for a file below `root`, which is canonical.
pub(super) async fn respond<B>(root: &Path, request: &Request<B>) -> Response<Body> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = text(
            StatusCode::METHOD_NOT_ALLOWED,
            "only GET and HEAD are known here\n",
        );
        let allowed = HeaderValue::from_static("GET, HEAD");
        response.headers_mut().insert(header::ALLOW, allowed);
        return response;
    }
    let mut response = match find(root, request.uri().path()) {
        Found::File(file) => send(file, request.headers()).await,
        Found::Moved(to) => moved(&to, request.uri().query()),
        Found::Nothing => nothing(root).await,
    };
    let nosniff = HeaderValue::from_static("nosniff");
    response
        .headers_mut()
        .insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
    if request.method() == Method::HEAD {
        *response.body_mut() = bytes("");
    }
    response
}

async fn send(found: OpenFile, asked: &HeaderMap) -> Response<Body> {
    let length = found.metadata.len();
    let (tag, modified) = (tag(&found.metadata), found.metadata.modified().ok());
    let mut response = Response::new(bytes(""));
    let headers = response.headers_mut();
    put(headers, header::ETAG, &tag);
    if let Some(modified) = modified {
        let date = httpdate::fmt_http_date(modified);
        put(headers, header::LAST_MODIFIED, &date);
    }
    if is_fresh(asked, &tag, modified) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    put(headers, header::CONTENT_TYPE, content_type(&found.path));
    put(headers, header::ACCEPT_RANGES, "bytes");
    let (first, count) = match wanted(asked, &tag, length) {
        Part::Bytes { first, last } => {
            let range = format!("bytes {first}-{last}/{length}");
            put(headers, header::CONTENT_RANGE, &range);
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            (first, last - first + 1)
        }
        Part::Outside => {
            put(headers, header::CONTENT_RANGE, &format!("bytes */{length}"));
            *response.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
            return response;
        }
        Part::Whole => (0, length),
    };
    put(
        response.headers_mut(),
        header::CONTENT_LENGTH,
        &count.to_string(),
    );
    let mut file = File::from_std(found.file);
    if first > 0 && file.seek(SeekFrom::Start(first)).await.is_err() {
        return text(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the file cannot be read\n",
        );
    }
    *response.body_mut() = streamed(file, count);
    response
}

/// The part that a request wants; an `If-Range` that names another file wants all of it.
fn wanted(asked: &HeaderMap, tag: &str, length: u64) -> Part {
    let told = |name: HeaderName| asked.get(name).and_then(|value| value.to_str().ok());
    match (told(header::RANGE), told(header::IF_RANGE)) {
        (None, _) => Part::Whole,
        (Some(_), Some(condition)) if condition != tag => Part::Whole,
        (Some(range), _) => part(range, length),
    }
}

/// Whether the client has this very file already.
fn is_fresh(asked: &HeaderMap, tag: &str, modified: Option<SystemTime>) -> bool {
    let told = |name: HeaderName| asked.get(name).and_then(|value| value.to_str().ok());
    if let Some(tags) = told(header::IF_NONE_MATCH) {
        let mut tags = tags.split(',').map(str::trim);
        return tags.any(|known| known == "*" || known.trim_start_matches("W/") == tag);
    }
    let since =
        told(header::IF_MODIFIED_SINCE).and_then(|date| httpdate::parse_http_date(date).ok());
    match (since, modified.map(seconds)) {
        (Some(since), Some(modified)) => modified <= seconds(since),
        (None, _) | (_, None) => false,
    }
}

fn seconds(instant: SystemTime) -> u64 {
    instant
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

/// A tag that changes with the file.
fn tag(metadata: &Metadata) -> String {
    let modified = metadata.modified().ok();
    let since = modified.and_then(|modified| modified.duration_since(UNIX_EPOCH).ok());
    let nanos = since.map_or(0, |since| since.as_nanos());
    format!("\"{:x}-{nanos:x}\"", metadata.len())
}

fn moved(to: &str, query: Option<&str>) -> Response<Body> {
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    let mut response = text(StatusCode::MOVED_PERMANENTLY, "this is a directory\n");
    put(
        response.headers_mut(),
        header::LOCATION,
        &format!("{to}{query}"),
    );
    response
}

async fn nothing(root: &Path) -> Response<Body> {
    let Some(page) = missing_page(root) else {
        return text(StatusCode::NOT_FOUND, "there is nothing here\n");
    };
    let mut response = send(page, &HeaderMap::new()).await;
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

fn text(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(bytes(text));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

fn bytes(text: &'static str) -> Body {
    Full::new(Bytes::from_static(text.as_bytes()))
        .map_err(|never| match never {})
        .boxed_unsync()
}

/// The next `count` bytes of a file. A file that became shorter breaks the answer off.
fn streamed(file: File, count: u64) -> Body {
    let chunks = stream::unfold((file, count), async |(mut file, left)| {
        if left == 0 {
            return None;
        }
        let size = usize::try_from(left)
            .unwrap_or(CHUNK_BYTES)
            .min(CHUNK_BYTES);
        let mut chunk = vec![0; size];
        let read = file.read(&mut chunk).await;
        let read = read.and_then(|read| match read {
            0 => Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
            read => Ok(read),
        });
        match read {
            Ok(read) => {
                chunk.truncate(read);
                Some((
                    Ok(Frame::data(Bytes::from(chunk))),
                    (file, left - read as u64),
                ))
            }
            Err(error) => Some((Err(error), (file, 0))),
        }
    });
    StreamBody::new(chunks).boxed_unsync()
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

const CHUNK_BYTES: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    struct Site(tempfile::TempDir);

    impl Site {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            fs::write(dir.path().join("a.txt"), "0123456789").unwrap();
            fs::create_dir(dir.path().join("sub")).unwrap();
            Self(dir)
        }

        async fn ask(
            &self,
            method: Method,
            path: &str,
            fields: &[(&str, &str)],
        ) -> (Response<()>, String) {
            let mut request = Request::builder().method(method).uri(path);
            for (name, value) in fields {
                request = request.header(*name, *value);
            }
            let root = self.0.path().canonicalize().unwrap();
            let response = respond(&root, &request.body(()).unwrap()).await;
            let (head, body) = response.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            let body = String::from_utf8(body.to_vec()).unwrap();
            (Response::from_parts(head, ()), body)
        }
    }

    #[tokio::test]
    async fn a_file_comes_with_type_length_tag_and_date() {
        let (head, body) = Site::new().ask(Method::GET, "/a.txt", &[]).await;
        assert_eq!(
            (head.status(), body.as_str()),
            (StatusCode::OK, "0123456789")
        );
        assert_eq!(head.headers()["content-type"], "text/plain; charset=utf-8");
        assert_eq!(head.headers()["content-length"], "10");
        assert!(head.headers().contains_key("last-modified"));
    }

    #[tokio::test]
    async fn a_head_request_gets_the_fields_alone() {
        let (head, body) = Site::new().ask(Method::HEAD, "/a.txt", &[]).await;
        assert_eq!(
            (head.headers()["content-length"].as_bytes(), body.len()),
            (&b"10"[..], 0)
        );
    }

    #[tokio::test]
    async fn who_has_the_file_already_does_not_get_it_again() {
        let site = Site::new();
        let (head, _) = site.ask(Method::GET, "/a.txt", &[]).await;
        for (asked, told) in [
            ("if-none-match", "etag"),
            ("if-modified-since", "last-modified"),
        ] {
            let value = head.headers()[told].to_str().unwrap();
            let (head, body) = site.ask(Method::GET, "/a.txt", &[(asked, value)]).await;
            assert_eq!((head.status(), body.len()), (StatusCode::NOT_MODIFIED, 0));
        }
        let (head, _) = site
            .ask(Method::GET, "/a.txt", &[("if-none-match", "\"x\"")])
            .await;
        assert_eq!(head.status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn a_part_is_sent_when_it_is_of_the_same_file() {
        let site = Site::new();
        let (head, body) = site
            .ask(Method::GET, "/a.txt", &[("range", "bytes=2-4")])
            .await;
        assert_eq!(
            (head.status(), body.as_str()),
            (StatusCode::PARTIAL_CONTENT, "234")
        );
        assert_eq!(head.headers()["content-range"], "bytes 2-4/10");
        let other = [("range", "bytes=2-4"), ("if-range", "\"x\"")];
        let (head, _) = site.ask(Method::GET, "/a.txt", &other).await;
        assert_eq!(head.status(), StatusCode::OK);
        let (head, _) = site
            .ask(Method::GET, "/a.txt", &[("range", "bytes=10-")])
            .await;
        assert_eq!(head.status(), StatusCode::RANGE_NOT_SATISFIABLE);
        assert_eq!(head.headers()["content-range"], "bytes */10");
    }

    #[tokio::test]
    async fn a_directory_is_named_with_its_slash_and_never_listed() {
        let site = Site::new();
        let (head, _) = site.ask(Method::GET, "/sub?a=b", &[]).await;
        assert_eq!(head.status(), StatusCode::MOVED_PERMANENTLY);
        assert_eq!(head.headers()["location"], "/sub/?a=b");
        let (head, _) = site.ask(Method::GET, "/sub/", &[]).await;
        assert_eq!(head.status(), StatusCode::NOT_FOUND);
    }

    #[tokio::test]
    async fn a_site_may_have_its_own_page_for_what_is_missing() {
        let site = Site::new();
        fs::write(site.0.path().join("404.html"), "gone").unwrap();
        let (head, body) = site.ask(Method::GET, "/none", &[]).await;
        assert_eq!(
            (head.status(), body.as_str()),
            (StatusCode::NOT_FOUND, "gone")
        );
    }

    #[tokio::test]
    async fn nothing_is_written() {
        let (head, _) = Site::new().ask(Method::POST, "/a.txt", &[]).await;
        assert_eq!(head.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(head.headers()["allow"], "GET, HEAD");
    }
}
