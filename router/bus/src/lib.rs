//! NATS for Switchyard: how routes are announced, and how the parts of the platform speak.
//!
//! - [`codec`]: JSON with Go's leniency.
//! - [`message`] and [`subject`]: what is said on the route control plane, and where.
//! - [`connection`]: this process's seat on the bus, and [`ResyncLimiter`], the pace at which what
//!   was lost is asked for again.
//! - [`server`]: a small core-NATS server inside the process.
//!
//! Nothing here decides: the crate moves messages and says what they mean.

pub mod codec;
pub mod connection;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
pub mod message;
pub mod server;
pub mod subject;

mod resync;

pub use codec::DecodeError;
pub use connection::{Bus, BusError, BusEvent, BusOptions, ConnectError, Message, Subscription};
pub use message::{RegistryMessage, RouteOptions, StartMessage};
pub use resync::ResyncLimiter;
