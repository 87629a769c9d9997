//! Endpoints for tests.

use std::sync::Arc;

use super::{Endpoint, EndpointId};
use crate::route::Announcement;

/// An announcement that says the usual.
pub(in crate::route) fn plain() -> Announcement<'static> {
    Announcement {
        host: "10.0.0.1",
        port: 8080,
        app_id: "app",
        instance_id: "i-1",
        instance_index: "0",
        ..Announcement::default()
    }
}

/// The endpoint of an announcement, as if it were the first.
pub(in crate::route) fn endpoint(announcement: &Announcement<'_>) -> Arc<Endpoint> {
    Arc::new(Endpoint::new(EndpointId(1), announcement, None))
}
