//! Request heads: what is taken is written back with one meaning.

#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| router::fuzzing::request_head(bytes));
