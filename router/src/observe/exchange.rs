//! Exchange: what happened to one request, collected on its way and told when it ends.
//!
//! No room reads it to decide anything. It tells its story when it is dropped, so that an
//! exchange that was cut short is counted and logged as well.
// compat: gorouter logs nothing for answers that were cut (gorouter 4.2); we do.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use super::access_log::{CoreLog, Extra, Record};
use super::metrics::{Direction, RequestMetrics};
use crate::buffers::{Buffer, Class};
use crate::core::{Clock, Moment};
use crate::message::{FieldName, RequestHead, Span, Version};
use crate::peer::Peer;
use crate::route::Endpoint;

/// What one core tells its stories to.
#[derive(Debug)]
pub struct Observer {
    /// The core's counters.
    pub metrics: Rc<RequestMetrics>,
    log: Option<RefCell<CoreLog>>,
    extra_headers: Vec<String>,
    clock: Clock,
}

impl Observer {
    /// Counts always, and logs where there is a log.
    #[must_use]
    pub fn new(
        metrics: Rc<RequestMetrics>,
        log: Option<CoreLog>,
        extra_headers: Vec<String>,
        clock: Clock,
    ) -> Self {
        Self {
            metrics,
            log: log.map(RefCell::new),
            extra_headers,
            clock,
        }
    }

    /// The clock that all stamps come from.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }
}

/// One request and its answer, as seen from outside.
pub struct Exchange<'o> {
    observer: &'o Observer,
    peer: &'o Peer,
    received: Moment,
    request: Option<RequestText>,
    version: Version,
    endpoint: Option<Arc<Endpoint>>,
    status: u16,
    request_bytes: u64,
    response_bytes: u64,
    router_error: Option<Box<str>>,
    proxied_from: Option<Moment>,
    proxied_to: Option<Moment>,
    attempt_from: Option<Moment>,
    failed_attempts: u32,
    failed_attempts_time: Duration,
}

/// What the log line repeats of the request, kept until the line is written.
// perf: kept only while there is a log; the head itself may be gone by then.
#[derive(Debug)]
struct RequestText {
    bytes: Buffer,
    host: Span,
    method: Span,
    target: Span,
    referer: Span,
    user_agent: Span,
    forwarded_for: Span,
    forwarded_proto: Span,
    request_id: Span,
    extra: Vec<Span>,
}

impl RequestText {
    fn of(head: &RequestHead, extra_headers: &[String]) -> Self {
        let mut bytes = Buffer::checkout(Class::Head);
        let block = head.block();
        let value = |name| block.value(name).unwrap_or_default();
        Self {
            host: keep(&mut bytes, head.authority()),
            method: keep(&mut bytes, head.method_text()),
            target: keep(&mut bytes, head.target()),
            referer: keep(&mut bytes, value(FieldName::Referer)),
            user_agent: keep(&mut bytes, value(FieldName::UserAgent)),
            forwarded_for: keep(&mut bytes, value(FieldName::XForwardedFor)),
            forwarded_proto: keep(&mut bytes, value(FieldName::XForwardedProto)),
            request_id: Span::default(),
            extra: extra_headers
                .iter()
                .map(|name| keep(&mut bytes, block.value_named(name).unwrap_or_default()))
                .collect(),
            bytes,
        }
    }
}

/// Copies `text` behind what is there; empty where it does not fit.
fn keep(bytes: &mut Buffer, text: &[u8]) -> Span {
    let start = bytes.len();
    bytes.append(text).map_or_else(
        |_overflow| Span::default(),
        |()| Span::new(start, text.len()),
    )
}

impl<'o> Exchange<'o> {
    /// Begins with a request that was received just now.
    #[must_use]
    pub fn begin(observer: &'o Observer, head: &RequestHead, peer: &'o Peer) -> Self {
        Self {
            observer,
            peer,
            received: observer.clock.now(),
            request: observer
                .log
                .is_some()
                .then(|| RequestText::of(head, &observer.extra_headers)),
            version: head.version(),
            endpoint: None,
            status: 0,
            request_bytes: 0,
            response_bytes: 0,
            router_error: None,
            proxied_from: None,
            proxied_to: None,
            attempt_from: None,
            failed_attempts: 0,
            failed_attempts_time: Duration::ZERO,
        }
    }

    /// When the request was received.
    #[must_use]
    pub fn received(&self) -> Moment {
        self.received
    }

    /// Notes the id that the request was given.
    pub fn identified(&mut self, request_id: &[u8]) {
        if let Some(text) = &mut self.request {
            text.request_id = keep(&mut text.bytes, request_id);
        }
    }

    /// Notes what is sent on in `X-Forwarded-For` and `X-Forwarded-Proto`.
    pub fn forwarded(&mut self, forwarded_for: &[u8], forwarded_proto: &[u8]) {
        if let Some(text) = &mut self.request {
            text.forwarded_for = keep(&mut text.bytes, forwarded_for);
            text.forwarded_proto = keep(&mut text.bytes, forwarded_proto);
        }
    }

    /// Notes an attempt at an endpoint. `now` is a reading of the observer's clock.
    pub fn attempted(&mut self, endpoint: &Arc<Endpoint>, now: Moment) {
        self.observer.metrics.attempt(endpoint.component_label());
        self.proxied_from = self.proxied_from.or(Some(now));
        self.attempt_from = Some(now);
        self.endpoint = Some(Arc::clone(endpoint));
    }

    /// Notes that the attempt failed.
    pub fn attempt_failed(&mut self, now: Moment) {
        self.failed_attempts += 1;
        if let Some(from) = self.attempt_from.take() {
            self.failed_attempts_time += now.since(from);
        }
    }

    /// Notes the status that the client is told, and the cause where it is ours.
    pub fn answered(&mut self, status: u16, router_error: Option<&[u8]>) {
        self.status = status;
        self.router_error = router_error.map(|error| String::from_utf8_lossy(error).into());
    }

    /// Notes body bytes that came from the client.
    pub fn received_bytes(&mut self, count: u64) {
        self.request_bytes += count;
    }

    /// Notes body bytes that were sent to the client.
    pub fn sent_bytes(&mut self, count: u64) {
        self.response_bytes += count;
    }

    /// The core's counters.
    #[must_use]
    pub fn metrics(&self) -> &'o RequestMetrics {
        &self.observer.metrics
    }

    fn tell(&mut self) {
        let now = self.observer.clock.now();
        let response_time = now.since(self.received);
        let metrics = &self.observer.metrics;
        if let Some(endpoint) = &self.endpoint {
            self.proxied_to = self.proxied_to.or(Some(now));
            metrics.responded(self.status, endpoint.component_label(), response_time);
        }
        let proxied = self
            .proxied_from
            .zip(self.proxied_to)
            .map(|(from, to)| to.since(from));
        let gorouter_time = proxied.map_or(Duration::ZERO, |proxied| {
            response_time.saturating_sub(proxied)
        });
        if proxied.is_some() {
            metrics.gorouter_time(gorouter_time);
        }
        metrics.client_bytes(Direction::Received, self.request_bytes);
        metrics.client_bytes(Direction::Sent, self.response_bytes);
        if let (Some(log), Some(text)) = (&self.observer.log, &self.request) {
            self.log(&mut log.borrow_mut(), text, now, gorouter_time);
        }
    }

    fn log(&self, log: &mut CoreLog, text: &RequestText, now: Moment, gorouter_time: Duration) {
        let bytes = text.bytes.filled();
        let endpoint = self.endpoint.as_deref();
        let said = endpoint.map(Endpoint::bytes).unwrap_or_default();
        let extra_headers: Vec<&[u8]> = text.extra.iter().map(|span| span.of(bytes)).collect();
        let local = self.peer.local_text();
        let record = Record {
            host: text.host.of(bytes),
            received_at: UNIX_EPOCH
                + Duration::from_nanos(self.observer.clock.unix_nanos(self.received)),
            method: text.method.of(bytes),
            uri: text.target.of(bytes),
            protocol: self.version.text(),
            status: self.status,
            request_bytes: self.request_bytes,
            response_bytes: self.response_bytes,
            referer: text.referer.of(bytes),
            user_agent: text.user_agent.of(bytes),
            client: self.peer.addr_text().as_bytes(),
            endpoint: said.address,
            forwarded_for: text.forwarded_for.of(bytes),
            forwarded_proto: text.forwarded_proto.of(bytes),
            request_id: text.request_id.of(bytes),
            response_time: now.since(self.received),
            gorouter_time: Some(gorouter_time),
            app_id: said.app_id,
            app_index: said.instance_index,
            instance_id: said.instance_id,
            extra: Extra {
                backend_time: self.attempt_from.map(|from| now.since(from)),
                failed_attempts: self.failed_attempts,
                failed_attempts_time: (self.failed_attempts > 0)
                    .then_some(self.failed_attempts_time),
                local_address: local.as_bytes(),
                ..Extra::default()
            },
            router_error: self.router_error.as_deref().unwrap_or_default().as_bytes(),
            extra_headers: &extra_headers,
        };
        // A full ring counts its drop itself; traffic does not wait for the log.
        let _dropped = log.log(&record);
    }
}

impl Drop for Exchange<'_> {
    fn drop(&mut self) {
        self.tell();
    }
}
