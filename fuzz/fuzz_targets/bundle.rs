//! Does the law of `bundle` hold?

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    image_trust_testbed::laws::bundles::bundle(data);
});
