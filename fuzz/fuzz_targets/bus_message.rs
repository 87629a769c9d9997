//! Bus messages: the decoder takes what Go takes, and never panics.

#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bus::fuzzing::message(bytes));
