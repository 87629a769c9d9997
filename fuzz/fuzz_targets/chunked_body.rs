//! Chunked bodies: any split of the bytes gives the same body.

#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| router::fuzzing::chunked_body(bytes));
