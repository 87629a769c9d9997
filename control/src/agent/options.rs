//! What the agent is asked to do.

use std::net::IpAddr;
use std::path::PathBuf;

use super::runtime::{Egress, Subnet};

/// What `switchyard agent` is asked to do.
#[derive(Clone, Debug, clap::Args)]
pub struct AgentOptions {
    /// Where instances, droplets and records are kept
    #[arg(long, value_name = "DIR")]
    pub(super) dir: PathBuf,

    /// The bus; several servers are separated by commas
    #[arg(long, value_name = "nats://[USER:PASSWORD@]HOST[:PORT]")]
    pub(super) nats: String,

    /// The node's address, at which routers reach instances
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub(super) ip: IpAddr,

    /// Authorities (PEM) to trust beside the machine's, where addresses are https://
    #[arg(long, value_name = "FILE")]
    pub(super) ca_file: Option<PathBuf>,

    /// The node's number
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(super) index: u32,

    /// The memory that instances may have in all, in MB; unset: 80 % of the machine's
    #[arg(long, value_name = "N")]
    pub(super) memory_mb: Option<u64>,

    /// The disk that instances may have in all, in MB; unset: 80 % of what is free
    #[arg(long, value_name = "N")]
    pub(super) disk_mb: Option<u64>,

    /// Show files of instances through the routers, below this domain; unset: at this node's address alone
    #[arg(long, value_name = "DOMAIN[:PORT]")]
    pub(super) files_domain: Option<String>,

    /// What runs containers; auto takes Docker when its engine answers
    #[arg(long, value_enum, default_value_t = RuntimeKind::Auto)]
    pub(super) runtime: RuntimeKind,

    /// The stacks that instances can have here
    #[arg(long, value_delimiter = ',', default_value = "switchyard")]
    pub(super) stacks: Vec<String>,

    /// The placement zones of this node
    #[arg(long, value_delimiter = ',', default_value = "default")]
    pub(super) zones: Vec<String>,

    /// The zone over which instances of an app are spread first
    #[arg(long, value_name = "ZONE")]
    pub(super) availability_zone: Option<String>,

    /// Docker images to run instances in; the first is the default. Lines of the file DIR/images come
    /// before, and may be changed at any time
    #[arg(
        long,
        value_name = "IMAGE",
        value_delimiter = ',',
        default_value = "switchyard/base:latest"
    )]
    pub(super) docker_images: Vec<String>,

    /// Networks that instances in Docker may not reach, nor then the node itself; needs root
    #[arg(long, value_name = "CIDR", value_delimiter = ',')]
    pub(super) block_network_ips: Vec<Subnet>,

    /// Addresses that they may reach nevertheless
    #[arg(
        long,
        value_name = "CIDR",
        value_delimiter = ',',
        requires = "block_network_ips"
    )]
    pub(super) allowed_subnet_ips: Vec<Subnet>,

    /// TCP ports of the node that they may reach nevertheless
    #[arg(
        long,
        value_name = "PORT",
        value_delimiter = ',',
        requires = "block_network_ips"
    )]
    pub(super) allowed_host_ports: Vec<u16>,

    /// How many processes an instance may have
    #[arg(long, value_name = "N", default_value_t = 1024)]
    pub(super) max_processes: u64,

    /// Seconds that a program may go on after its routes were taken back, for the requests that were
    /// on their way to it; then it is told to end
    #[arg(long, value_name = "SECONDS", default_value_t = 1)]
    pub(super) last_answers: u64,

    /// Seconds that an evacuation may take
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    pub(super) evacuation_timeout: u64,

    /// End what an earlier agent left running, giving it this many seconds, and do nothing else
    #[arg(long, value_name = "SECONDS")]
    pub(super) clear: Option<u64>,

    /// Seconds between two sweeps for containers that nobody knows
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    pub(super) orphan_interval: u64,
}

impl AgentOptions {
    /// What containers may reach.
    pub(super) fn egress(&self) -> Egress {
        Egress {
            blocked: self.block_network_ips.clone(),
            allowed: self.allowed_subnet_ips.clone(),
            host_ports: self.allowed_host_ports.clone(),
        }
    }
}

/// What runs containers.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub enum RuntimeKind {
    /// Docker when its engine answers, plain processes otherwise
    Auto,
    /// The Docker engine
    Docker,
    /// Plain processes, not isolated from each other
    Process,
}
