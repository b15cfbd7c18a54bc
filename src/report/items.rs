//! Why are items of an evidence manifest not signatures, in sentences?

use super::{counted, quoted};
use crate::{
    evidence::{BundleError, ItemError, NoSignature, StatementError, UnusableEvidence},
    explain::OtherItems,
};

/// The most reasons that a message tells, of those for which items are not signatures.
const MAX_TOLD: usize = 3;

impl OtherItems {
    /// One sentence for each reason for which an item is not a signature.
    pub(super) fn details(&self) -> Vec<String> {
        match self {
            OtherItems::NotCollected => Vec::new(),
            OtherItems::Unusable(unusable) => vec![unusable.sentence().to_owned()],
            OtherItems::Items(reasons) => {
                let mut told: Vec<String> = reasons.iter().take(MAX_TOLD).map(NoSignature::sentence).collect();
                let rest = reasons.len().saturating_sub(told.len());
                if rest > 0 {
                    told.push(format!(
                        "other items of its evidence are not signatures, for {}",
                        counted(rest, "more reason")
                    ));
                }
                told
            }
        }
    }
}

impl UnusableEvidence {
    /// Why an evidence manifest cannot be read.
    pub(super) fn sentence(self) -> &'static str {
        match self {
            UnusableEvidence::Form => "the tag sha256-….evidence exists, but is not an image manifest",
            UnusableEvidence::Type => "the tag sha256-….evidence exists, but is not an evidence manifest",
            UnusableEvidence::Version => {
                "its evidence manifest is of a version that this policy does not read; use a newer version of this policy"
            }
        }
    }
}

impl NoSignature {
    /// The reason for which an item of the evidence manifest is not a signature of the image.
    pub(super) fn sentence(&self) -> String {
        match self {
            NoSignature::Attestation(predicate) => {
                format!("its evidence has an attestation ({}), which is not a signature", quoted(predicate))
            }
            NoSignature::OtherFormat => {
                "its evidence has items that belong to validators of another type".to_owned()
            }
            NoSignature::Notation(error) => error.sentence(),
            NoSignature::Item(error) => format!("an item of its evidence is not read: {}", error.sentence()),
            NoSignature::Bundle(error) => format!("a bundle in its evidence is not read: {}", error.sentence()),
            NoSignature::Envelope => {
                "an attestation in its evidence is not read: it is not a DSSE envelope with one signature".to_owned()
            }
            NoSignature::PayloadType => {
                "a bundle in its evidence is not read: expected the payload type application/vnd.in-toto+json"
                    .to_owned()
            }
            NoSignature::Statement(StatementError::Form) => {
                "a bundle in its evidence is not read: expected an in-toto statement of version 0.1 or 1".to_owned()
            }
            NoSignature::Large => {
                "a document of its evidence is only read as an attestation, because it is not in the evidence manifest itself".to_owned()
            }
            NoSignature::Payload => {
                "a signature in its evidence is not read: expected a payload in the simple signing format".to_owned()
            }
            NoSignature::Statement(StatementError::Subject) | NoSignature::OtherImage => {
                "its evidence has a signature of another image".to_owned()
            }
        }
    }
}

impl ItemError {
    fn sentence(self) -> &'static str {
        match self {
            ItemError::Form => "its digest or its annotations are malformed",
            ItemError::NoContent => {
                "it has no content in the evidence manifest itself (annotation dev.image-trust.content)"
            }
            ItemError::TooLarge => {
                "it is larger than 256 KiB (an OCSP response: 16 KiB), or all items are larger than 3 MiB"
            }
            ItemError::Base64 => "its content is not base64 with padding (RFC 4648)",
            ItemError::Digest => "its content does not have the digest and the size of the layer",
            ItemError::TooMany => "at most 100 items are read",
        }
    }
}

impl BundleError {
    fn sentence(self) -> &'static str {
        match self {
            BundleError::Form => "expected the JSON of a Sigstore bundle",
            BundleError::Version => "expected version 0.1, 0.2 or 0.3 of Sigstore bundles",
            BundleError::Material => "expected one certificate or one public key",
            BundleError::Root => "it contains a self-signed certificate, as old clients wrote it; sign again",
            BundleError::Content => "expected one signature over a digest or a DSSE envelope",
            BundleError::MessageDigest => {
                "expected a SHA-256 digest; sign a DSSE envelope instead, as cosign sign does"
            }
            BundleError::LogEntry => {
                "expected distinct transparency log entries, each with a signed entry timestamp (version 0.1) or an inclusion proof (later versions)"
            }
            BundleError::Timestamp => "expected at most 32 RFC 3161 timestamps",
        }
    }
}
