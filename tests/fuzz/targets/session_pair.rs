//! The fuzz target of [`checks::session_pair::session_pair`].
#![no_main]

#[path = "../checks/mod.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::session_pair::session_pair(data));
