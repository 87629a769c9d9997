//! Lookups: the table agrees with a naive map.

#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| router::fuzzing::lookup(bytes));
