//! A server of files: gives what was put, whoever put it.

use std::collections::HashMap;
use std::io::{Cursor, Write};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

type Shelf = Arc<Mutex<HashMap<String, Held>>>;

#[derive(Default)]
struct Held {
    bytes: Bytes,
    /// Changes whenever the file is put.
    tag: u32,
    given: u32,
}

/// The server; it ends with the value.
pub(crate) struct Files {
    address: SocketAddr,
    shelf: Shelf,
    _task: JoinSet<()>,
}

impl Files {
    pub(crate) async fn start() -> Self {
        let shelf = Shelf::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let routes = Router::new()
            .route("/{*path}", get(give).put(take))
            .layer(DefaultBodyLimit::disable())
            .with_state(Arc::clone(&shelf));
        let mut task = JoinSet::new();
        task.spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self {
            address,
            shelf,
            _task: task,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    pub(crate) fn put(&self, path: &str, bytes: Vec<u8>) {
        place(&self.shelf, path.to_owned(), bytes.into());
    }

    /// How often a file was given.
    pub(crate) fn given(&self, path: &str) -> u32 {
        self.shelf.lock().unwrap()[path].given
    }

    pub(crate) fn get(&self, path: &str) -> Option<Bytes> {
        let shelf = self.shelf.lock().unwrap();
        shelf.get(path).map(|file| file.bytes.clone())
    }
}

/// Gives a file under the tag that it was put with, and nothing to those who have that one.
async fn give(
    State(shelf): State<Shelf>,
    headers: HeaderMap,
    Path(path): Path<String>,
) -> Result<Response, StatusCode> {
    let mut shelf = shelf.lock().unwrap();
    let found = shelf.get_mut(&path).ok_or(StatusCode::NOT_FOUND)?;
    let tag = found.tag.to_string();
    if headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|known| known == tag.as_str())
    {
        return Ok(StatusCode::NOT_MODIFIED.into_response());
    }
    found.given += 1;
    Ok(([(header::ETAG, tag)], found.bytes.clone()).into_response())
}

async fn take(State(shelf): State<Shelf>, Path(path): Path<String>, bytes: Bytes) -> StatusCode {
    place(&shelf, path, bytes);
    StatusCode::CREATED
}

fn place(shelf: &Shelf, path: String, bytes: Bytes) {
    let mut shelf = shelf.lock().unwrap();
    let file = shelf.entry(path).or_default();
    file.bytes = bytes;
    file.tag += 1;
}

/// An archive of files; those below `bin/` are executable.
pub(crate) fn zip(files: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in files {
        let mode = if name.contains("bin/") { 0o755 } else { 0o644 };
        let options = SimpleFileOptions::default().unix_permissions(mode);
        zip.start_file(*name, options).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}
