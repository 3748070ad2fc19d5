//! libFuzzer over [`anteroom_fuzz::settings`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| anteroom_fuzz::run("settings", data));
