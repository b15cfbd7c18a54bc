//! Which digest was signed, and who is proven to have signed it?
//!
//! Every format of evidence is reduced to the same claim. Only the modules of [`crate::evidence`] make one, after they have checked everything that it rests on.

use crate::{image::Digest, signing::PublicKey, time::UnixTime};

/// The proof that a signer signed a digest, or a statement about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The signer who is proven.
    pub signer: Signer,
    /// Which digest was signed.
    pub digest: Digest,
    /// The predicate type of the attestation that was signed. It is `None` if the digest itself was signed.
    pub predicate_type: Option<String>,
    /// The time before which the signature was not made: the start of the certificate. It is `None` if a key without a certificate signed.
    pub not_before: Option<UnixTime>,
    /// Where the signature was found.
    pub source: Source,
    /// A private field, so that only this module can build a claim.
    _door: Door,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Door;

impl Claim {
    /// The claim that `signer` signed `digest`.
    pub(in crate::evidence) fn new(signer: Signer, digest: Digest, source: Source) -> Claim {
        Claim { signer, digest, source, predicate_type: None, not_before: None, _door: Door }
    }

    /// The claim that the same signer signed an attestation with this predicate type about the digest.
    pub(in crate::evidence) fn of_attestation(self, predicate_type: Option<&str>) -> Claim {
        Claim { predicate_type: predicate_type.map(str::to_owned), ..self }
    }

    /// The same claim by a certificate that starts at this time.
    pub(in crate::evidence) fn not_before(self, not_before: Option<UnixTime>) -> Claim {
        Claim { not_before, ..self }
    }
}

/// Who made a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// The key that made the signature.
    pub key: PublicKey,
    /// The subject of the certificate, if there is a certificate. Its issuer, too, if the trust root asks for one.
    pub identity: Option<(String, Option<String>)>,
}

/// Where signatures are found, in the default order in which the sources are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// The signature manifest beside the image, as cosign 2 writes it. The policy checks its signatures itself.
    SignatureManifest,
    /// The evidence manifest beside the image, which holds what was signed. The policy checks its signatures itself.
    EvidenceManifest,
    /// The policy server, which checks signatures that the policy cannot read.
    PolicyServer,
}

impl Signer {
    /// The signer that is known by this key and nothing else.
    #[must_use]
    pub fn of_key(key: &PublicKey) -> Signer {
        Signer { key: key.clone(), identity: None }
    }

    /// Whether `self` and `other` are one signer: they share a key or an identity.
    #[must_use]
    pub fn is(&self, other: &Signer) -> bool {
        let is_same = |(name, issuer): &(String, Option<String>), (other, others): &(String, Option<String>)| {
            let (name, other) = (without_reference(name), without_reference(other));
            // Addresses that differ only in case reach one person. A name without an issuer may belong to the same person as one with an issuer.
            name.eq_ignore_ascii_case(other) && (issuer == others || issuer.is_none() || others.is_none())
        };
        let identities = self.identity.as_ref().zip(other.identity.as_ref());
        self.key == other.key || identities.is_some_and(|(one, other)| is_same(one, other))
    }
}

/// The name of a workflow without the git reference or commit at its end, as certificates of GitHub and GitLab have it. Other names stay as they are.
///
/// Whoever may run a workflow at one reference may usually run it at another one, so both are one signer. It is safer to count fewer signers.
#[must_use]
pub fn without_reference(name: &str) -> &str {
    if !name.contains("://") {
        return name;
    }
    let is_commit = |end: &str| end.len() == 40 && end.bytes().all(|byte| byte.is_ascii_hexdigit());
    match (name.split_once("@refs/"), name.rsplit_once('@')) {
        (Some((workflow, _)), _) => workflow,
        (None, Some((workflow, end))) if is_commit(end) => workflow,
        _ => name,
    }
}
