//! Push: an application from a directory to a running cloud, as a client of the platform's API.
//!
//! In come a command line or a [`Plan`], files of a directory and an account; out go requests to
//! any API of Cloud Foundry's third version, and what a person sees of them. It knows nothing of
//! the platform's inside: what it can do, every other client can do as well.

mod account;
mod address;
mod bits;
mod client;
mod deploy;
mod error;
mod home;
mod manifest;
mod operate;
mod options;
mod pack;
mod plan;
mod progress;
mod record;
mod run;
mod size;
mod space;
mod stage;
mod start;
mod summary;
mod tail;
mod transport;
mod upload;

pub use account::{Credentials, Links};
pub use address::Address;
pub use client::Client;
pub use deploy::{Deployed, deploy};
pub use error::{KatoError, Refused};
pub use options::{KatoCommand, KatoOptions};
pub use plan::{Plan, Strategy};
pub use progress::Progress;
pub use record::App;
pub use run::run;
pub use space::{Space, ensure_space, find_app};
pub use transport::TransportError;
