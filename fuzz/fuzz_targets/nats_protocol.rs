//! The bus protocol: any split of the bytes gives the same operations.

#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bus::fuzzing::protocol(bytes));
