//! Listen: sockets to requests.
//!
//! In: the listeners of one core, and connections that other cores hand over. Out: each request,
//! on either wire, to [`Proxy::serve`](crate::proxy::Proxy::serve). What is no clear message is
//! refused here and goes no further. Never: a look at routes or endpoints.

mod carrier;
mod drain;
mod gate;
mod h1;
mod h2;
mod refuse;
mod tls;

use std::rc::Rc;
use std::time::Duration;

use crate::config::ListenConfig;
use crate::core::Wheel;
use crate::observe::metrics::RequestMetrics;
use crate::proxy::Proxy;

use carrier::Carriers;

pub use drain::{DrainOrder, DrainWatch, Stage};
pub use gate::{Gate, Gates, serve};
pub use tls::{FrontTls, Http2};

/// What the connections of one core share.
pub struct Hall {
    proxy: Rc<Proxy>,
    metrics: Rc<RequestMetrics>,
    wheel: Rc<Wheel>,
    carriers: Carriers,
    drain: DrainWatch,
    tls: Option<FrontTls>,
    idle_timeout: Duration,
    head_timeout: Option<Duration>,
    max_head_bytes: usize,
    max_connections: Option<u32>,
}

impl Hall {
    /// The hall of one core.
    #[must_use]
    pub fn new(
        proxy: Rc<Proxy>,
        wheel: Rc<Wheel>,
        drain: DrainWatch,
        tls: Option<FrontTls>,
        config: &ListenConfig,
    ) -> Self {
        Self {
            metrics: Rc::clone(&proxy.observer().metrics),
            carriers: Carriers::new(Rc::clone(&proxy), drain.clone()),
            proxy,
            wheel,
            drain,
            tls,
            idle_timeout: config.frontend_idle_timeout,
            head_timeout: config.read_header_timeout,
            // The exact limit is the walk's, which knows the application by then; this one keeps
            // a head from filling memory (Go: 1 MiB and 4 KiB of slack).
            max_head_bytes: (1 << 20) + 4096,
            max_connections: config.max_connections.map(std::num::NonZeroU32::get),
        }
    }
}
