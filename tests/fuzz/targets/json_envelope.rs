//! The fuzz target of [`checks::envelope::json_envelope`].
#![no_main]

#[path = "../checks/mod.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::envelope::json_envelope(data));
