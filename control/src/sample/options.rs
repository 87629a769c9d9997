//! What the sample is asked to do.

use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU16;

/// What `switchyard sample` is asked to do.
#[derive(Clone, Debug, clap::Args)]
pub struct SampleOptions {
    /// The bus to announce on
    #[arg(
        long,
        value_name = "nats://[USER:PASSWORD@]HOST[:PORT]",
        default_value = "nats://127.0.0.1:4222"
    )]
    pub(super) bus: String,

    /// The host name to be reached under
    #[arg(long, value_name = "NAME", default_value = "hello.localhost")]
    pub(super) host: String,

    /// The address to listen on and to announce
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub(super) listen: IpAddr,

    /// The first instance's port, the others follow; 0 means any
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub(super) port: u16,

    /// How many instances to run, each on a port of its own
    #[arg(long, value_name = "N", default_value_t = NonZeroU16::MIN)]
    pub(super) instances: NonZeroU16,
}
