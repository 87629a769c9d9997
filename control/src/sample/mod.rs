//! Sample: a small HTTP application that announces itself over NATS.
//!
//! In come a bus to announce on and a host name; out goes a page that says which instance answered
//! and what headers reached it. It is an application like any other: it knows the bus and its own
//! port, never the router.

mod announce;
mod body;
mod error;
mod instance;
mod options;
mod page;
mod run;
mod serve;
mod stop;
mod url;

pub use error::SampleError;
pub use options::SampleOptions;
pub use run::run;
pub use url::BadBusUrl;
pub(crate) use url::BusUrl;
