//! A strict HTTP/1 parser that judges what the router sent, to endpoints and to clients.
//!
//! In: bytes of a connection, or recorded ones. Out: a [`Message`], or the [`Fault`] that stands
//! in its place. It knows one spelling of every message, and never guesses: what a lenient parser
//! could read in another way is a [`Fault::Ambiguous`], even where an RFC would let it pass.

mod message;
mod reader;
mod rules;

pub use message::{Asked, Fault, Framing, Message};
pub use reader::Oracle;
