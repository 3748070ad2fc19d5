//! libFuzzer over [`anteroom_fuzz::cookie`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| anteroom_fuzz::run("cookie", data));
