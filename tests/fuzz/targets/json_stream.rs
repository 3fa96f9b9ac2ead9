//! The fuzz target of [`checks::stream::json_stream`].
#![no_main]

#[path = "../checks/mod.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::stream::json_stream(data));
