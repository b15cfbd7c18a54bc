//! What does a signature with a certificate cost, in verifications of a plain one?
//!
//! One verification is what a second key costs: the same image and the same module, and a key and a signature more.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use image_trust_host::{AdmissionRequest, Gate, HostCapabilities, Policy, Replay};
use image_trust_testbed::corpus;

use super::in_process::{Case, Medians};

const ONE_KEY: &str = "(i) one key, named with its signature";
const TWO_KEYS: &str = "(i) two keys";
const KEYLESS: &str = "(j) keyless, CAs and logs on P-256";
const KEYLESS_P384: &str = "(j) keyless, CAs on P-384 as of the public-good instance";

/// Bundles in evidence manifests.
const BUNDLES: [(&str, &str); 3] = [
    ("(k) bundle by a key", "bundle-by-a-key-is-proven"),
    ("(k) keyless bundle, Rekor 1 and a timestamp", "bundle-in-rekor-1-with-a-timestamp-is-proven"),
    ("(k) keyless bundle, Rekor 2 and a timestamp", "bundle-in-rekor-2-is-proven"),
];

/// Evidence that proves nothing and costs much.
const STRANGERS: (&str, &str) = ("(l) 100 bundles by strangers, denied", "evidence-of-100-strangers-is-denied");

/// The measurements: the name of each, and its case in the corpus.
const MEASURED: [(&str, &str); 4] = [
    (ONE_KEY, "key-without-more-is-proven"),
    (TWO_KEYS, "two-keys-are-two-signers"),
    (KEYLESS, "keyless-signature-is-proven-and-pinned"),
    (KEYLESS_P384, "keyless-signature-by-an-instance-on-p384-is-proven"),
];

pub(super) fn cases() -> Result<Vec<Case<'static>>> {
    let case = |(name, case): (&str, &str)| {
        let case = corpus::case(case);
        let session = case.session.with_context(|| format!("{name} asks the host"))?;
        let session = Arc::new(Replay::from_yaml(&session).with_context(|| format!("the session of {name}"))?);
        let host = move |_: &Policy| Arc::new(Gate::new(Replay::clone(&session))) as Arc<dyn HostCapabilities>;
        let request = case.request.with_context(|| format!("{name} has a request"))?;
        Ok(Case {
            name: name.to_owned(),
            request: AdmissionRequest::from_json(&request.to_string())?,
            settings: case.settings,
            host: Box::new(host),
        })
    };
    MEASURED.into_iter().chain(BUNDLES).chain([STRANGERS]).map(case).collect()
}

/// For each module, what the keyless cases cost beyond what any proof does, in verifications; nothing where they were not measured.
pub(super) fn in_verifications(medians: &Medians) -> Vec<String> {
    let of = |name| medians.iter().find(|(case, _)| case == name).map(|(_, micros)| micros.as_slice());
    let (Some(one), Some(two), Some(keyless), Some(wide)) = (of(ONE_KEY), of(TWO_KEYS), of(KEYLESS), of(KEYLESS_P384))
    else {
        return Vec::new();
    };
    let bundles = |module: usize, in_units: &dyn Fn(&f64) -> f64| {
        let cost =
            |(name, _): &(&'static str, &str)| Some(format!("; {name}: {:.1}", in_units(of(name)?.get(module)?)));
        BUNDLES.iter().filter_map(cost).collect::<String>()
    };
    let rows = one.iter().zip(two).zip(keyless.iter().zip(wide)).skip(1).zip(1..);
    rows.map(|(((one, two), (keyless, wide)), module)| {
        let unit = two - one;
        // A proof by one key holds one verification.
        let in_units = |micros: &f64| (micros - one) / unit + 1.0;
        format!(
            "({module}) one verification of P-256 takes {unit:.0} µs; a keyless image costs {:.1} of them, and {:.1} where CAs are on P-384{}",
            in_units(keyless),
            in_units(wide),
            bundles(module, &in_units)
        )
    })
    .collect()
}
