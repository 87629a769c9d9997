//! The status ports over real sockets.

mod desk;
mod figures;
mod ports;
mod probe;
mod routes;
mod tls;
