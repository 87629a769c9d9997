//! Routes: the whole table as gorouter prints it (gorouter 8.2).

use std::sync::Arc;

use bytes::Bytes;
use hyper::Response;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{Sender, channel};

use crate::observe::events::write_string;
use crate::route::{Endpoint, Pool, RouteTable};

use super::page::{self, Page, PageBody};

/// Prints the table on a thread of its own, for a few clients at once.
pub(super) struct Routes {
    table: Arc<RouteTable>,
    printers: Arc<Semaphore>,
}

impl Routes {
    pub(super) fn new(table: Arc<RouteTable>) -> Self {
        Self {
            table,
            printers: Arc::new(Semaphore::new(PRINTERS)),
        }
    }

    /// `/routes`: every route with its endpoints, sorted by key.
    ///
    /// A million routes are sorted and printed beside the control thread, and never all in memory.
    pub(super) async fn page(&self) -> Page {
        let permit = Arc::clone(&self.printers).acquire_owned().await;
        let table = Arc::clone(&self.table);
        let (chunks, mut more) = channel(QUEUED_CHUNKS);
        tokio::task::spawn_blocking(move || {
            print(&table, &chunks);
            drop(permit);
        });
        let first = more.recv().await.unwrap_or_default();
        // What fits into one chunk has a length, as it has from gorouter.
        let body = match more.recv().await {
            None => PageBody::Whole(Some(first)),
            Some(second) => PageBody::Growing {
                ready: vec![first, second].into_iter(),
                more,
            },
        };
        let mut page = Response::new(body);
        page.headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static(page::JSON));
        page::last(page)
    }
}

/// Sends the table in chunks, until it ends or nobody wants it any more.
fn print(table: &RouteTable, chunks: &Sender<Bytes>) {
    let mut pools = Vec::with_capacity(table.len());
    table.for_each(|pool| pools.push(Arc::clone(pool)));
    pools.sort_unstable_by(|a, b| a.key().cmp(b.key()));
    let mut chunk = Vec::with_capacity(CHUNK_BYTES + CHUNK_BYTES / 4);
    chunk.push(b'{');
    for (n, pool) in pools.iter().enumerate() {
        if n > 0 {
            chunk.push(b',');
        }
        write_pool(&mut chunk, pool);
        if chunk.len() >= CHUNK_BYTES {
            let full = Bytes::copy_from_slice(&chunk);
            if chunks.blocking_send(full).is_err() {
                return;
            }
            chunk.clear();
        }
    }
    chunk.extend_from_slice(b"}\n");
    let _gone = chunks.blocking_send(chunk.into());
}

fn write_pool(out: &mut Vec<u8>, pool: &Pool) {
    write_string(out, pool.key());
    out.extend_from_slice(b":[");
    let mut first = true;
    pool.for_each_endpoint(|endpoint| {
        if !first {
            out.push(b',');
        }
        first = false;
        write_endpoint(out, endpoint);
    });
    out.push(b']');
}

// compat: the order of fields is that of gorouter's struct (gorouter route/pool.go, MarshalJSON).
fn write_endpoint(out: &mut Vec<u8>, endpoint: &Endpoint) {
    out.extend_from_slice(b"{\"address\":");
    write_string(out, endpoint.address());
    out.extend_from_slice(b",\"availability_zone\":");
    write_string(out, endpoint.availability_zone());
    out.extend_from_slice(b",\"protocol\":");
    write_string(out, endpoint.protocol_name());
    out.extend_from_slice(b",\"tls\":");
    out.extend_from_slice(if endpoint.is_tls() { b"true" } else { b"false" });
    out.extend_from_slice(b",\"ttl\":");
    let ttl = endpoint.stale_threshold_secs();
    out.extend_from_slice(itoa::Buffer::new().format(ttl).as_bytes());
    write_present(out, "route_service_url", endpoint.route_service_url());
    out.extend_from_slice(b",\"tags\":");
    write_tags(out, endpoint);
    write_present(out, "isolation_segment", endpoint.isolation_segment());
    write_present(out, "private_instance_id", endpoint.instance_id());
    write_present(
        out,
        "server_cert_domain_san",
        endpoint.server_cert_domain_san(),
    );
    let algorithm = endpoint
        .load_balancing()
        .map_or("", |algorithm| algorithm.name());
    write_present(out, "load_balancing_algorithm", algorithm);
    out.push(b'}');
}

fn write_tags(out: &mut Vec<u8>, endpoint: &Endpoint) {
    let tags = endpoint.tags();
    if tags.len() == 0 {
        return out.extend_from_slice(b"null");
    }
    for (n, (name, value)) in tags.enumerate() {
        out.push(if n == 0 { b'{' } else { b',' });
        write_string(out, name);
        out.push(b':');
        write_string(out, value);
    }
    out.push(b'}');
}

fn write_present(out: &mut Vec<u8>, name: &str, value: &str) {
    if !value.is_empty() {
        out.push(b',');
        write_string(out, name);
        out.push(b':');
        write_string(out, value);
    }
}

const CHUNK_BYTES: usize = 64 << 10;
const QUEUED_CHUNKS: usize = 2;
const PRINTERS: usize = 2;
