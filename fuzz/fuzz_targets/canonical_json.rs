//! Does the law of `canonical_json` hold?

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    image_trust_testbed::laws::notary::canonical_json(data);
});
