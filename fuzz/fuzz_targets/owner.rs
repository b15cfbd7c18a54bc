//! Does the law of `owner` hold?

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    image_trust_fuzz::outside::owner(data);
});
