//! Why is an attestation missing, in sentences?

use std::collections::BTreeSet;

use super::{counted, listed, quoted, reason::Told};
use crate::{
    evidence::NoSignature,
    image::Digest,
    ordered::set,
    policy::attestation::SHORT_NAMES,
    time::Period,
    verify::{Attested, Lack, MissingAttestation, NotAttested},
};

/// The most missing attestations that are told.
const MAX_TOLD: usize = 8;

impl NotAttested {
    /// The failure as people read it. `reference` is the image by one of its digests.
    pub(super) fn told(&self, reference: impl Fn(Digest) -> String) -> Told {
        let needed: BTreeSet<String> = set(self.missing.iter().map(|missing| one_of(&missing.predicate_types)));
        let signed = match self.tally.signed.as_slice() {
            [] => String::new(),
            signed => format!("signed by {}, but ", listed(signed)),
        };
        let sentence = match needed.len() {
            1 => format!("{signed}not attested: it needs an attestation {}", needed.into_iter().collect::<String>()),
            number => format!("{signed}not attested: it needs {}", counted(number, "attestation")),
        };
        // The first line has the type already, and warnings are short.
        let detail = |missing: &MissingAttestation| match (self.missing.len(), missing.platform) {
            (1, None) => missing.lack.sentence(missing),
            _ => missing.detail(),
        };
        let mut details: Vec<String> = self.missing.iter().take(MAX_TOLD).map(detail).collect();
        if self.missing.len() > MAX_TOLD {
            details.push(format!("and {} more", self.missing.len().saturating_sub(MAX_TOLD)));
        }
        if self.missing.iter().any(|missing| matches!(missing.lack, Lack::Type(_))) {
            details.extend(self.unusable.iter().map(NoSignature::sentence));
        }
        let collect = format!("image-trust collect {}", reference(self.digest));
        let help = |missing: &MissingAttestation| missing.help(&reference(missing.platform.unwrap_or(self.digest)));
        let help: BTreeSet<String> = set(self.missing.iter().map(help).map(|help| format!("{help}: {collect}")));
        Told { sentence, details, help: help.into_iter().take(MAX_TOLD).collect() }
    }
}

impl MissingAttestation {
    fn detail(&self) -> String {
        let platform = self.platform.map(|digest| format!(" of platform {digest}")).unwrap_or_default();
        format!("{}{platform}: {}", one_of(&self.predicate_types), self.lack.sentence(self))
    }

    /// What would help, before evidence is collected again. `reference` is what has to be attested.
    fn help(&self, reference: &str) -> String {
        match &self.lack {
            Lack::Unusable(_) => "write the evidence manifest again".to_owned(),
            Lack::NotCollected | Lack::Type(_) | Lack::Signers(_) => {
                let (signers, kind) = (self.signers(), self.kind());
                format!("have {signers} attest it (cosign attest --type {kind} --predicate FILE {reference}), then collect the evidence")
            }
            Lack::Age(_) => "attest it again, then collect the evidence".to_owned(),
            Lack::NotNow(..) => {
                "have it attested by a signer who counts, and name that signer in the rule; then collect the evidence".to_owned()
            }
            Lack::Conditions(_) => {
                "change the image so that it meets the condition, or change the condition; after a new attestation, collect the evidence".to_owned()
            }
            Lack::Platforms => {
                "publish an index that lists only images of platforms, attest each of them, then collect the evidence".to_owned()
            }
        }
    }

    /// The first type as `cosign attest --type` takes it.
    fn kind(&self) -> &str {
        let first = self.predicate_types.iter().next().map_or("TYPE", String::as_str);
        SHORT_NAMES.iter().find(|(_, long)| *long == first).map_or(first, |(short, _)| short)
    }

    /// Whose signatures would be enough.
    fn signers(&self) -> String {
        self.tally.needed_signers()
    }
}

impl Lack {
    /// The reason as one stable word, for programs.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Lack::NotCollected => "attestation-not-collected",
            Lack::Unusable(_) => "unusable-evidence-manifest",
            Lack::Type(_) => "attestation-missing",
            Lack::Signers(_) => "attestation-signer",
            Lack::Age(_) => "attestation-age",
            Lack::Conditions(_) => "attestation-condition",
            Lack::Platforms => "attestation-platforms",
            Lack::NotNow(..) => "not-now",
        }
    }

    fn sentence(&self, missing: &MissingAttestation) -> String {
        match self {
            Lack::NotCollected => "there is no evidence manifest".to_owned(),
            Lack::Unusable(unusable) => unusable.sentence().to_owned(),
            Lack::Type(found) if found.is_empty() => {
                "the evidence manifest has no attestation about this digest".to_owned()
            }
            Lack::Type(found) => {
                format!("the evidence manifest has no attestation of this type; it has {}", listed(found))
            }
            Lack::Signers(errors) => match errors.first() {
                Some((root, error)) => format!("{}: {}", quoted(&root.0), error.sentence()),
                None => format!(
                    "the evidence manifest has an attestation of this type, but needs one by {}",
                    missing.signers()
                ),
            },
            Lack::Age(age) => format!("the signer's certificate is not of the last {age}"),
            Lack::NotNow(root, Period { end: Some(end), .. }) => {
                format!("too few of its signers count today: {} does not count after {end}", quoted(&root.0))
            }
            Lack::NotNow(root, _) => {
                format!("too few of its signers count today: {} does not count yet", quoted(&root.0))
            }
            Lack::Conditions(unmet) => unmet.to_string(),
            Lack::Platforms => "the policy cannot determine the platforms of its index".to_owned(),
        }
    }
}

impl Attested {
    /// The attestation as one text of the audit record: its types, and who signed it.
    pub(super) fn recorded(&self) -> String {
        let types: Vec<&str> = self.predicate_types.iter().map(String::as_str).collect();
        let signed: Vec<&str> = self.signed.iter().map(AsRef::as_ref).collect();
        format!("{} by {}", types.join(" or "), signed.join(", "))
    }
}

/// The types, quoted.
fn one_of(types: &BTreeSet<String>) -> String {
    let types: Vec<String> = types.iter().map(|text| quoted(text)).collect();
    types.join(" or ")
}
