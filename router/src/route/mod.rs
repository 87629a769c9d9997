//! Room: route.
