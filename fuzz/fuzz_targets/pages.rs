//! libFuzzer over [`anteroom_fuzz::pages`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| anteroom_fuzz::run("pages", data));
