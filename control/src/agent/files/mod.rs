//! Files: shows the files of an instance to somebody who holds a signed address.
//!
//! In comes a GET whose query the agent has signed; out go a directory's entries as text, a file
//! whole or in part, or what is being appended to it, as it comes. Nothing outside the instance's
//! own directory is ever opened, whatever links lie in it. It never writes.

mod listing;
mod open;
mod query;
mod reply;
mod sign;
mod tail;

pub(super) use reply::serve;
pub(super) use sign::Secret;
