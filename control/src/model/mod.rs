//! Model: the nouns of the platform and their state machines.
//!
//! Values come in from the store, from the API's bodies and from the bus; values and refusals go
//! out. Nothing here waits, reads a clock or knows SQL, HTTP or NATS: `now` is passed in.

pub mod environment;
pub mod manifest;
pub mod route;

mod app;
mod bits;
mod catalog;
mod deployment;
mod document;
mod health_check;
mod instance;
mod micros;
mod process;
mod service;
mod service_operation;
mod stack;
mod words;

pub use app::{App, AppState, DEFAULT_STACK, Lifecycle, Sidecar};
pub use bits::{Build, BuildState, Droplet, DropletState, Package};
pub use catalog::{
    BrokerState, Catalog, ListedOffering, ListedPlan, Offer, OfferingFacts, PlanFacts, Secret,
    ServiceBroker, ServiceOffering, ServicePlan, Visibility,
};
pub use deployment::{
    ACTIVE, Deployment, DeploymentState, FINALIZED, Strategy, canary_pauses, canary_size,
};
pub use document::holds_nul;
pub use environment::{BoundService, Surroundings};
pub use health_check::{HealthCheck, HealthCheckKind};
pub use instance::{
    CrashCount, InstancePort, InstanceReport, InstanceState, InstanceStats, InstanceUsage,
};
pub use micros::Micros;
pub use process::{
    DEFAULT_DISK_MB, DEFAULT_MEMORY_MB, NewProcess, PackageKind, PackageState, Process,
    ProcessChange, WEB,
};
pub use route::{Destination, Route, RouteText, UriOptions};
pub use service::{BindingKind, Operation, ServiceBinding, ServiceInstance, ServiceKind};
pub use service_operation::{Change, OperationFacts, OperationKind, Phase, ServiceOperation};
pub use stack::StackState;
