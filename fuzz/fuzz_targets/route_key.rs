//! Route keys: what is parsed once parses again to itself.

#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| router::fuzzing::route_key(bytes));
