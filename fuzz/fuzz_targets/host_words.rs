//! Does the law of `host_words` hold?

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    image_trust_testbed::laws::outside::host_words(data);
});
