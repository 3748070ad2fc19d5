//! libFuzzer over [`anteroom_fuzz::board`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| anteroom_fuzz::run("board", data));
