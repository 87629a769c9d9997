//! Wire: what the parts of the platform say to each other over the bus, and where.
//!
//! Bytes come in from the bus and become values, or a [`DecodeError`] that names what is wrong;
//! values go out as JSON with every field that an older part may look for. One file per family of
//! messages, all subjects in [`subject`]. Nothing here decides, waits or knows a connection.
//!
//! On the wire an agent is a `dea` and a process is a `droplet`; in Rust they have their own names.

mod advertise;
mod component;
mod find;
mod health;
mod instance;
mod lenient;
mod logs;
mod message;
mod staging;
mod start;
pub mod subject;

pub use advertise::{
    Advertisement, AgentHello, AgentShutdown, AgentStatus, BuildpackLink, NodeClaim,
    PlacementProperties,
};
pub use component::{ComponentAnnouncement, ComponentDiscovery};
pub use find::{FindInstances, FoundInstance, FoundStats, FoundUsage};
pub use health::{
    CrashedInstance, CrashedInstances, FlappingIndex, FlappingIndices, HealthCounts, HealthStart,
    HealthStop, HealthyInstances, IndexRecord, ProcessName, ProcessNames, ProcessRecord, Scale,
    StatusQuestion,
};
pub use instance::{
    ExitReason, Exited, Heartbeat, HeartbeatInstance, InstanceState, RollCall, Stop, Update,
    Updated,
};
pub use logs::{LogBatch, LogRecord, LogStream};
pub use message::{DecodeError, Wire};
pub use staging::{
    StagedBuildpack, StagingAnswer, StagingErrorInfo, StagingErrorKind, StagingLimits, StagingMeta,
    StagingProperties, StagingRequest, StagingStop,
};
pub use start::{
    HealthCheck, HealthCheckData, HealthCheckKind, Limits, ServiceEntry, StartMessage, UriOptions,
};
