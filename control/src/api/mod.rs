//! API: HTTP in, desired state out, in the language that `cf` and its relatives speak.
//!
//! Requests come in from clients; rows go to the store, and a word to the controller that they
//! changed. It never talks to an agent or to the bus, and never touches application traffic.
//!
//! How a resource is added, in a file of its own under `v3/`:
//!
//! 1. `pub(super) fn routes() -> Routes` names its routes on [`Routes`], each with one line of
//!    description, which is how they get into `/openapi.json` too. `v3::routes` merges it.
//! 2. A route's function takes a [`Call`] (the caller is known by then; `api`, `caller`, `base`,
//!    `now` are its fields), axum's `Path`, and a [`Body`] when it reads one, and gives an [`Answer`]
//!    made by [`ok`], [`created`], [`no_content`] or [`Call::job`].
//! 3. Bodies are read with [`Fields`], which collects every problem before [`Fields::finish`]
//!    refuses them all at once. Query parameters are read with [`Call::query`] (single objects) or
//!    [`Call::listing`] (lists: pages, order and filters); both refuse what they do not know.
//! 4. Who may do it: [`Call::space`], [`Call::organization`] and the predicates and filters of
//!    [`Caller`]. What somebody may not see is not found; what they see and may not do is forbidden.
//! 5. Events: [`audit::Event`] in the same transaction. Times: [`rfc3339`]. Labels: [`Metadata`].

pub mod audit;
mod base;
mod body;
mod call;
mod caller;
mod error;
mod fields;
mod front;
mod internal;
mod jobs;
mod listing;
mod log_cache;
mod marks;
mod metadata;
mod openapi;
mod query;
mod reply;
mod resource;
mod routes;
mod serve;
mod shape_tables;
mod shapes;
mod state;
mod times;
pub mod uaa;
mod v3;

pub use base::Base;
pub use body::Body;
pub use call::{Call, Need};
pub use caller::{Actor, Caller};
pub use error::{ApiError, Code};
pub use fields::Fields;
pub use jobs::JobOutcome;
pub use listing::{BY_NAME, BY_TIME, Listing, Orders};
pub use marks::Marks;
pub use metadata::{Metadata, MetadataPatch};
pub use query::Query;
pub use reply::{Answer, created, no_content, ok, warned};
pub use resource::Resource;
use resource::resource;
pub use routes::Routes;
pub use serve::serve;
pub use state::{Api, ApiParts, ApiSettings, PasswordCost, StartError};
pub use times::{now, rfc3339};
