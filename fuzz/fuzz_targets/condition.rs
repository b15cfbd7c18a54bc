//! Does the law of `condition` hold?

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    image_trust_testbed::laws::conditions::condition(data);
});
