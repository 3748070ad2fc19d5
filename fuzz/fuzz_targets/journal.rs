//! libFuzzer over [`anteroom_fuzz::journal`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| anteroom_fuzz::run("journal", data));
