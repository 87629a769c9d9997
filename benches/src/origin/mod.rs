//! The origin behind every proxy: an HTTP/1.1 server that is never the bottleneck.
//!
//! In: a listener. Out: answers of the wanted size, on one thread, for as long as the process lives.
//! It reads only what frames a message, and never looks at a field that a proxy added.
//!
//! | target | answer |
//! |---|---|
//! | `/` | 12 bytes |
//! | `/bytes/N` | N bytes with `Content-Length` |
//! | `/chunked/N` | N bytes (at most 16 MiB) in chunks of 4 KiB |
//! | `/slow` | 12 bytes, one second later |

mod answer;
mod connection;
mod server;

pub use server::serve;
