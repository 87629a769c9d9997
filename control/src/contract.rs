//! What the sample promises to whoever starts it.

/// The sample's first line on standard output: this, then its address.
pub(crate) const LISTENING: &str = "listening on ";

/// A header on every answer of the sample; its value names the instance.
pub(crate) const INSTANCE_HEADER: &str = "x-sample-instance";
