//! Why is an attestation missing, in sentences?

use std::collections::BTreeSet;

use super::{counted, listed, quoted, reason::Told};
use crate::verify::{Attested, Lack, MissingAttestation, NotAttested};

/// The most missing attestations that are told.
const MAX_TOLD: usize = 8;

impl NotAttested {
    /// The failure as people read it. `reference` is the image by its digest.
    pub(super) fn told(&self, reference: &str) -> Told {
        let wanted: BTreeSet<String> = self.missing.iter().map(|missing| one_of(&missing.predicate_types)).collect();
        let signed = match self.tally.signed.as_slice() {
            [] => String::new(),
            signed => format!("signed by {}, but ", listed(signed)),
        };
        let sentence = match wanted.len() {
            1 => format!("{signed}not attested: it lacks an attestation {}", wanted.into_iter().collect::<String>()),
            number => format!("{signed}not attested: it lacks {}", counted(number, "attestation")),
        };
        let mut details: Vec<String> = self.missing.iter().take(MAX_TOLD).map(MissingAttestation::detail).collect();
        if self.missing.len() > MAX_TOLD {
            details.push(format!("and {} more", self.missing.len().saturating_sub(MAX_TOLD)));
        }
        let help: BTreeSet<String> = self.missing.iter().map(|missing| missing.help(reference)).collect();
        Told { sentence, details, help: help.into_iter().collect() }
    }
}

impl MissingAttestation {
    fn detail(&self) -> String {
        let platform = self.platform.map(|digest| format!(" of platform {digest}")).unwrap_or_default();
        format!("{}{platform}: {}", one_of(&self.predicate_types), self.lack.sentence(self))
    }

    fn help(&self, reference: &str) -> String {
        let collect = format!("image-trust collect {reference}");
        match &self.lack {
            Lack::NotCollected => format!("attest it (cosign attest), then collect the evidence: {collect}"),
            Lack::Unusable(_) => format!("write the evidence manifest again: {collect}"),
            Lack::Type(_) | Lack::Signers(_) => {
                format!("have {} attest it with that type (cosign attest --type TYPE), then {collect}", self.signers())
            }
            Lack::Age(_) => format!("attest it again, then {collect}"),
            Lack::Conditions(_) => {
                format!("mend what the attestation says, or the condition; then attest it again and {collect}")
            }
            Lack::Platforms => "attest an index that lists nothing but images of platforms".to_owned(),
        }
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
        }
    }

    fn sentence(&self, missing: &MissingAttestation) -> String {
        match self {
            Lack::NotCollected => "there is no evidence manifest".to_owned(),
            Lack::Unusable(unusable) => unusable.sentence().to_owned(),
            Lack::Type(found) if found.is_empty() => "the evidence manifest has no attestation about this digest".to_owned(),
            Lack::Type(found) => format!("the evidence manifest has none; it has {}", listed(found)),
            Lack::Signers(errors) => match errors.first() {
                Some((root, error)) => format!("not by {}: {}", quoted(&root.0), error.sentence()),
                None => format!("what is there is not by {}", missing.signers()),
            },
            Lack::Age(age) => {
                format!("the signer's certificate is older than {}", age)
            }
            Lack::Conditions(unmet) => unmet.to_string(),
            Lack::Platforms => {
                "nobody can tell which platforms the image has, because its index cannot be read or lists something else".to_owned()
            }
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
