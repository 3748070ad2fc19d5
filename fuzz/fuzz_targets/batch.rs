//! libFuzzer over [`anteroom_fuzz::batch`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| anteroom_fuzz::run("batch", data));
