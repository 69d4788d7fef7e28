//! What must hold is said in `cpis::fuzzing`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cpis::fuzzing::run("authority_list", data));
