//! Does the law of `evidence_manifest` hold?

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    image_trust_testbed::laws::bundles::manifest(data);
});
