//! Room: listen.
