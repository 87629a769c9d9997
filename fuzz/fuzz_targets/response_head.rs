//! Response heads: what is taken has one framing.

#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| router::fuzzing::response_head(bytes));
