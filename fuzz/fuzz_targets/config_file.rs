//! Configuration files: any text gives a belief or reasons.

#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| router::fuzzing::config_file(bytes));
