//! The fuzz target of [`checks::values::msgpack_value`].
#![no_main]

#[path = "../checks/mod.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::values::msgpack_value(data));
