//! What happens to a connection, for whoever must react.

use tokio::sync::broadcast;

/// Something happened to the connection.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum BusEvent {
    /// This side has closed the connection; nothing follows.
    Closed,
    /// There is a connection for the first time.
    Connected {
        /// The server, `host:port`.
        server: String,
    },
    /// The connection is lost, and servers are being tried.
    Disconnected,
    /// The reader of these events was too slow and missed some; it should assume the worst.
    Missed {
        /// How many.
        events: u64,
    },
    /// There is a connection again. What was published meanwhile by others is lost.
    Reconnected {
        /// The server, `host:port`.
        server: String,
    },
    /// A subscription was full, and messages are lost.
    SlowConsumer {
        /// How many.
        dropped: u64,
    },
}

/// A stream of events. It holds a few hundred; a reader that falls behind is told so.
#[derive(Debug)]
pub struct BusEvents(pub(super) broadcast::Receiver<BusEvent>);

/// Events that are held for a reader.
pub(super) const HELD_EVENTS: usize = 256;

impl BusEvents {
    /// Waits for the next event; `None` once the connection is closed and gone.
    ///
    /// # Cancel safety
    ///
    /// No event is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<BusEvent> {
        match self.0.recv().await {
            Ok(event) => Some(event),
            Err(broadcast::error::RecvError::Lagged(events)) => Some(BusEvent::Missed { events }),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}
