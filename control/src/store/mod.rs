//! Store: desired state in SQL, on SQLite or PostgreSQL; the only room that knows SQL.
//!
//! Values of the platform come in, records and pages of records go out. One portable SQL text
//! serves both databases: placeholders are `$1`, `$2`, …; instants are `BIGINT`, flags 0 or 1,
//! documents JSON text. It never decides anything, and never waits for anything but the database.
//!
//! Reads are `impl Store` and take a connection each. Writes are `impl Tx`: what belongs together
//! is one transaction, which is undone when it is dropped before [`Tx::commit`]. A read that a
//! transaction needs is on `Tx`. Each resource has a file of its own.
//!
//! Lists: a table's record implements [`Record`], and [`Store::page`] reads one page of it by a
//! [`ListQuery`]. SQL text in a [`Filter`] is `&'static str` and values are bound, so nothing from
//! outside can become SQL.

mod apps;
mod bound;
mod brokers;
mod building;
mod builds;
mod catalogs;
mod crash_counts;
mod crashes;
mod credentials;
mod deploying;
mod deployments;
mod desired;
mod domains;
mod droplets;
mod error;
mod filter;
mod jobs;
mod lease;
mod leftovers;
mod list;
mod metadata;
mod nodes;
mod open;
mod organizations;
mod packages;
mod processes;
mod roles;
mod routes;
mod row;
mod service_operations;
mod services;
mod settings;
mod spaces;
mod stacks;
mod surroundings;
mod tx;
mod usage;
mod users;
mod write;

pub use building::{Bits, BuildOutcome, BuildTask, StagedDroplet};
pub use crashes::CrashEvent;
pub use credentials::{OauthClient, RefreshToken, SigningKey};
pub use deploying::{ActiveDeployment, DeploymentStep, WebProcess};
pub use desired::{StartFacts, Target, WantedProcess};
pub use domains::Domain;
pub use error::StoreError;
pub use filter::{Filter, Value};
pub use jobs::{AuditEvent, Job, Party};
pub use lease::Lease;
pub use leftovers::KEPT_PER_APP;
pub use list::{Direction, ListQuery, Order, Page, Record};
pub use metadata::{Metadata, MetadataKind, MetadataPatch};
pub use open::Store;
pub use organizations::{Organization, OrganizationQuota, QuotaLimits};
pub use roles::{Role, RoleKind};
pub use row::Row;
pub use spaces::Space;
pub use stacks::{Buildpack, FeatureFlag, Stack};
pub use tx::Tx;
pub use usage::Usage;
pub use users::User;
