//! The data plane of Switchyard: requests walk one way through small rooms.
//!
//! `listen → trace → admit → lookup → limit → route_service → rewrite → forward → respond`
//!
//! The route table walks one way too: `bus → registry (one writer) → route (many readers)`.
//! A room imports only from the floors below it; `tests/suite/house.rs` enforces that.

// Floor 0: what everybody may use.
pub mod buffers;
pub mod peer;
pub mod route;
// Floor 1: what both wires speak.
pub mod message;
// Floor 2: what crosses and what must not; what one core owns; what the operator wants.
pub mod config;
pub mod core;
pub mod headers;
// Floor 3: what happened to one exchange, and when.
pub mod observe;
// Floor 4: bytes to messages and back.
pub mod wire;
// Floor 5: the table's writer; the way to an endpoint.
pub mod registry;
pub mod upstream;
// Floor 6: one exchange, from request to response.
pub mod proxy;
// Floor 7: sockets to requests; the operator's side.
pub mod admin;
pub mod listen;
// Floor 8: the house as a whole.
pub mod app;
pub mod cli;

#[cfg(feature = "fuzzing")]
pub mod fuzzing;
