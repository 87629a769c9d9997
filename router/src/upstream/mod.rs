//! Upstream: how to reach an endpoint.
//!
//! In: an endpoint that `proxy` has chosen, and the deadline of the attempt. Out: a [`Session`]
//! ready for a request, on an idle connection or a new one, or an [`AttemptError`]. Never: a
//! choice between endpoints, a second try, a lock.

mod connector;
mod error;
mod idle;
mod session;

pub use connector::EndpointTls;
pub use error::{AttemptError, TlsFailure};
pub use session::{Caution, History, Session, Upstream};
