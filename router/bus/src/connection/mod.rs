//! Connection: this process's seat on the bus.
//!
//! In come [`BusOptions`]: servers, credentials, TLS. Out go messages, through [`Subscription`]s that
//! hold only so many, and [`BusEvent`]s, which say when the connection was lost, is back, or had to
//! drop messages. After the first success it reconnects for ever, to whichever server answers.
//!
//! It never decides what a loss means: whoever needs the missed messages asks for them again, at the
//! pace of a [`ResyncLimiter`](crate::ResyncLimiter).

mod backoff;
mod client;
mod connect;
mod error;
mod events;
mod options;
mod selector;
mod subscription;
mod tls;

pub use async_nats::Subject;
pub use client::{Bus, BusState};
pub use error::{BusError, ConnectError, FailedServer, Failure};
pub use events::{BusEvent, BusEvents};
pub use options::{BusIdentity, BusOptions, BusTls, ServerAddr};
pub use subscription::{Message, Subscription};
