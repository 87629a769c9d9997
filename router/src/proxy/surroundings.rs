//! Where an exchange takes place, and what becomes of its connection.

use std::cell::Cell;

use crate::core::Timer;
use crate::peer::Peer;

/// What becomes of the client's connection after an exchange.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Keep {
    /// Another request may follow.
    Open,
    /// The answer was complete; the connection ends.
    Close,
    /// The answer was cut: the client must see that.
    Cut,
}

/// What every connection shares of its surroundings during an exchange.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'c> {
    /// Who the client is.
    pub peer: &'c Peer,
    /// The timer of this connection, or of this stream.
    pub timer: &'c Timer,
    /// Whether connections stay open after the exchange; may change while it goes on.
    pub reuse: &'c Cell<Reuse>,
}

/// Whether client connections stay open.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reuse {
    /// Where client and answer allow it.
    Allowed,
    /// No: we are draining.
    Over,
}
