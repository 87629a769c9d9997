//! Room: buffers.
