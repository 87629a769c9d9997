//! Room: headers.
