//! Config: from `gorouter.yml` to what the program believes.
//!
//! In comes the text of one YAML file, written for gorouter, with our own keys in one block
//! `switchyard:`. Out goes a [`Config`] whose slices go to one room each, and a list of what
//! the operator should know ([`Finding`]), or every problem of the file at once
//! ([`ConfigErrors`]). It reads that one file and the number of cores; it never opens a port,
//! never resolves a name, and after it nobody asks again whether a value is valid.

mod accepted;
mod admin;
mod bus;
#[cfg(test)]
mod corpus;
#[cfg(test)]
mod docs;
mod drain;
mod duration;
mod error;
mod file;
mod forward;
mod listen;
mod meters;
mod observe;
mod pem;
mod read;
mod registry;
mod resolve;
mod rewrite;
mod show;
mod suites;
mod tls;
mod upstream;
mod yaml;

pub use admin::{AdminConfig, PrometheusConfig, PrometheusTls, StatusTls};
pub use bus::{BusConfig, BusTls, NatsHost};
pub use drain::DrainConfig;
pub use error::{ConfigErrors, Finding, NotYaml, Place, Severity};
pub use forward::{AzPreference, ForwardConfig};
pub use listen::{CorePinning, ListenConfig};
pub use meters::Buckets;
pub use observe::{ExtraLogField, LogLevel, ObserveConfig, QueryRedaction, TimestampFormat};
pub use pem::KeyPair;
pub use registry::{BalancingAlgorithm, RegistryConfig, ShardingMode};
pub use resolve::{Config, Loaded, Secret};
pub use rewrite::{HeaderLine, HttpRewrite};
pub use tls::{ClientCertValidation, TlsConfig, TlsVersion};
pub use upstream::UpstreamConfig;
pub use yaml::from_yaml;

/// Reads any bytes as a configuration: there must be a verdict, never a panic.
#[cfg(any(test, feature = "fuzzing"))]
pub fn fuzz_entry(bytes: &[u8]) {
    resolve::fuzz(bytes);
}
