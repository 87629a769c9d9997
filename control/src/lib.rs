//! The platform around the router, beginning with one machine.
//!
//! - [`agent`]: the node's side; it runs instances.
//! - [`api`]: HTTP in, desired state out; what `cf` speaks to.
//! - [`blobs`]: packages, droplets and caches, by digest.
//! - [`command`]: `switchyard controller`, the API and the controller in one process.
//! - [`controller`]: brings the world to what the store wants.
//! - [`dial`]: connections to others, and whom we trust.
//! - [`exec`]: the shim that ties a child's life to its parent's.
//! - [`explain`]: how an error is told to a person.
//! - [`health`]: what must be started and stopped.
//! - [`logs`]: what applications say, from an instance's files to the recent past.
//! - [`micro`]: bus, router and a sample application in one process tree.
//! - [`model`]: apps, processes, routes, instances, services; the nouns and their states.
//! - [`placement`]: which node takes the next instance.
//! - [`push`]: an application from a directory to a running cloud, as a client of the API.
//! - [`sample`]: a small application that announces itself over NATS.
//! - [`services`]: brokers, asked for services and what they hold, in the words of OSB.
//! - [`site`]: serves the files of a directory; what the buildpack `static` starts.
//! - [`staging`]: how an application's files become a droplet, as far as thinking goes.
//! - [`store`]: desired state in SQL, on SQLite or PostgreSQL.
//! - [`wire`]: what the parts of the platform say to each other over the bus.
//!
//! It never links the router: the two meet on the bus and through the router's own endpoints.

pub mod agent;
pub mod api;
pub mod blobs;
pub mod command;
pub mod controller;
pub mod dial;
pub mod exec;
pub mod explain;
pub mod health;
pub mod logs;
pub mod micro;
pub mod model;
pub mod placement;
pub mod push;
pub mod sample;
pub mod services;
pub mod site;
pub mod staging;
pub mod store;
pub mod wire;

mod bus_url;
mod component;
mod contract;
mod fetch;
mod range;
mod serve;
