//! Site: serves the files of one directory over HTTP; what the buildpack `static` starts.
//!
//! In come GET and HEAD requests; out go files with their type, tag and date, whole or in part. It
//! lists no directory, shows no file whose name begins with a dot, and follows no link out of its
//! directory. It never writes.

mod error;
mod find;
mod kind;
mod respond;
mod run;

pub use error::SiteError;
pub use run::{SiteOptions, run};
