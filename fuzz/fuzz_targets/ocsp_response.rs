//! Does the law of `ocsp_response` hold?

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    image_trust_testbed::laws::notation::ocsp_response(data);
});
