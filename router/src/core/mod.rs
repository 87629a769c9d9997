//! Core: what one core owns. A worker thread, its runtime, timers, clock, random numbers, cells,
//! pipes.
//!
//! In: how many workers there are, and a function that makes what each of them runs. Out: threads
//! that share nothing on the request path, and cells that one thread writes and anybody may sum.
//! Never: anything that knows HTTP.

pub mod accept;
pub mod cells;
pub mod clock;
mod pipe;
pub mod random;
pub mod splice;
pub mod timer;
pub mod worker;

pub use clock::{Clock, Moment};
pub use random::Random;
pub use splice::{MoveError, Moved, Splice};
pub use timer::{Deadline, Timer, Wheel};
