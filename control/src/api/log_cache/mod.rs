//! Log cache: the recent past of an application's logs, in the words that `cf logs` knows.
//!
//! Requests of known callers come in; envelopes out of the ring go out. It keeps nothing itself,
//! and whoever may not see an application is told that there is none.

mod read;

pub(super) use read::routes;
