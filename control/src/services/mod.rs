//! Services: the platform's side of brokers, in the words of the Open Service Broker API 2.17.
//!
//! In come rows of operations that the API wrote, and what brokers answer; out go requests to
//! brokers, and rows of services, bindings, offerings and jobs.
//!
//! The walk of `cf create-service`: the API writes the service (`create`, `in progress`), an operation
//! in its phase `asking`, and a job, in one transaction, and nudges [`Services`]. The one [`run()`] that
//! holds the lease finds what is due, counts the try, and sends the request. What the answer means is
//! decided in `answer` (one table for each call) and `decide` (what follows), both without I/O, and
//! written under the lease in one transaction. A 202 makes the operation `polling` until the broker
//! says `succeeded`, or until its deadline. What may have been left behind at the broker becomes an
//! operation of its own, `mending`: the service is taken away, again and again, until the broker says
//! that it is gone.
//!
//! Everything that has to be remembered is a row, so a restart goes on where it was: a request that
//! may have been sent is sent again, which brokers must take for the same one.
//!
//! It never speaks to clients, never shows what a binding holds, and never follows a redirect.

mod answer;
mod ask;
mod carry;
mod catalog;
mod decide;
mod effects;
mod exchange;
mod fault;
mod finish;
mod handle;
mod run;

pub use catalog::{BadCatalog, read_catalog};
pub use fault::BrokerFault;
pub use handle::{Parameters, ServiceSettings, Services};
pub use run::{ServiceParts, run};

fn now() -> crate::model::Micros {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    crate::model::Micros::default().after(since.unwrap_or_default())
}

fn fresh_guid() -> String {
    uuid::Builder::from_random_bytes(rand::random())
        .into_uuid()
        .to_string()
}
