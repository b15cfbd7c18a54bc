//! What does the policy server's answer about a key prove?

use super::{Claim, Signer, Source};
use crate::{image::Digest, signing::PublicKey};

/// The claim of `key`, if the policy server answered for the digest that it was asked about.
pub(crate) fn claim(key: &PublicKey, asked: Digest, answered: Digest) -> Option<Claim> {
    (asked == answered).then(|| Claim::new(Signer::of_key(key), asked, Source::PolicyServer))
}
