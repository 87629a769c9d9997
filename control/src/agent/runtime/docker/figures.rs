//! What the Engine's figures say about a container.

use std::net::IpAddr;
use std::time::Duration;

use bollard::models::{ContainerStatsResponse, NetworkSettings};

use crate::agent::runtime::contract::Usage;

/// The address of a container on the node's own network; `None` when it has none.
pub(super) fn address(settings: Option<NetworkSettings>) -> Option<IpAddr> {
    let networks = settings?.networks?;
    let mut known = networks.values().filter_map(|one| one.ip_address.as_ref());
    known.find_map(|text| text.parse().ok())
}

/// What a container takes, as far as the Engine tells.
pub(super) fn measured(stats: Option<&ContainerStatsResponse>) -> Usage {
    let cpu = stats.and_then(|stats| stats.cpu_stats.as_ref()?.cpu_usage.as_ref()?.total_usage);
    let memory = stats.and_then(|stats| stats.memory_stats.as_ref());
    // Pages of files that can be dropped at any time are not what a program takes.
    let cached = memory.and_then(|memory| memory.stats.as_ref()?.get("inactive_file").copied());
    let used = memory.and_then(|memory| memory.usage);
    Usage {
        cpu_time: cpu.map(Duration::from_nanos),
        memory_bytes: used.map(|used| used.saturating_sub(cached.unwrap_or(0))),
        disk_bytes: None,
        processes: stats.and_then(|stats| stats.pids_stats.as_ref()?.current),
    }
}
