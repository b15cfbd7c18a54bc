//! What did the missing signers do instead?

use super::{listed, quoted, unproven::short};
use crate::{
    explain::MissingSigner, image::Digest, signing::SignatureAlgorithm, sigstore::VerificationError,
    verify::TrustRootName,
};

/// The words for a signed payload that the policy does not know.
const UNKNOWN: &str = "a payload that the policy cannot rebuild (other annotations, another name or another digest)";

impl MissingSigner {
    /// Why the trust root is missing, as one stable word for programs.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            MissingSigner::NotYet(_) | MissingSigner::NoLonger(_) => "not-now",
            MissingSigner::Failed(error, _) => error.word(),
            MissingSigner::NoCertificate => "no-certificate",
            MissingSigner::Shared => "shared-signer",
            MissingSigner::Annotations(_) => "annotations-differ",
            MissingSigner::OtherName(_) => "identity-differs",
            MissingSigner::NoName => "identity-missing",
            MissingSigner::OtherPayload(_) => "other-payload",
            MissingSigner::Untold => "untold",
            MissingSigner::OtherAlgorithm(_) => "other-algorithm",
            MissingSigner::OtherKeys(_) => "other-keys",
            MissingSigner::OtherKeysOrAlgorithm(_) => "other-keys-or-algorithm",
            MissingSigner::Notation(error) => error.word(),
            MissingSigner::NotaryV1(error) => error.word(),
            MissingSigner::NotLookedAt(_) => "not-looked-at",
        }
    }

    /// One sentence for each missing trust root. All that made none of these signatures share one sentence.
    pub(super) fn details(missing: &[(TrustRootName, MissingSigner)], signatures: usize) -> Vec<String> {
        let mut details: Vec<String> =
            missing.iter().filter_map(|(root, why)| why.sentence(root, signatures)).collect();
        let untold = missing.iter().filter(|(_, why)| *why == MissingSigner::Untold).map(|(root, _)| root);
        let untold = listed(untold);
        if !untold.is_empty() {
            details.push(format!("{untold} may have signed {UNKNOWN}"));
        }
        let strangers: Vec<(&TrustRootName, &Digest)> =
            missing.iter().filter_map(|(root, why)| Some((root, why.key()?))).collect();
        if let Some((first, _)) = strangers.split_first() {
            let is_certain = !missing.iter().any(|(_, why)| matches!(why, MissingSigner::OtherKeysOrAlgorithm(_)));
            let (subject, were) = match signatures {
                1 => ("its 1 signature".to_owned(), "was"),
                many => (format!("its {many} signatures"), "were"),
            };
            let keys = match strangers.len() {
                1 => format!("the key of {} ({})", quoted(&first.0.0), short(*first.1)),
                _ => format!("the keys of {}", listed(strangers.iter().map(|(root, _)| root))),
            };
            let with = if is_certain { "" } else { " and SHA-256" };
            details.push(format!("{subject} {were} not made with {keys}{with}"));
            if !is_certain {
                details.push("whether another algorithm was used cannot be told without the payload".to_owned());
            }
        }
        details
    }

    /// What would make the image pass, for the first trust root that is missing.
    pub(super) fn help(missing: &[(TrustRootName, MissingSigner)], sign: &[String]) -> Vec<String> {
        match missing.first().and_then(|(root, why)| why.own_help(root)) {
            Some(help) => vec![help],
            None => sign.to_vec(),
        }
    }

    /// The fingerprint of the key that made none of the signatures.
    fn key(&self) -> Option<&Digest> {
        match self {
            MissingSigner::OtherKeys(key) | MissingSigner::OtherKeysOrAlgorithm(key) => Some(key),
            _ => None,
        }
    }

    fn own_help(&self, root: &TrustRootName) -> Option<String> {
        let root = quoted(&root.0);
        Some(match self {
            MissingSigner::NotYet(_) | MissingSigner::NoLonger(_) => {
                format!("have it signed by a trust root that counts today, or change notBefore and notAfter of {root}")
            }
            MissingSigner::Failed(error, _) => error.help().to_owned(),
            MissingSigner::NoCertificate => "sign it with a certificate (cosign sign, without --key)".to_owned(),
            MissingSigner::Shared => "have a second signer sign it, because each signer counts once".to_owned(),
            MissingSigner::Annotations(unmet) => {
                let flags: Vec<String> = unmet.iter().map(|annotation| format!("-a {}", quoted(annotation))).collect();
                format!("have {root} sign it with the annotations that the rule wants: cosign sign {}", flags.join(" "))
            }
            MissingSigner::OtherName(_) => {
                "sign it under a name that the rule accepts, or add `self` to the rule's `identities`".to_owned()
            }
            MissingSigner::NoName => {
                "leave out the rule's `identities`, because cosign 3 signs no name; a `github` trust root compares the repository that a workflow ran for"
                    .to_owned()
            }
            MissingSigner::OtherPayload(wanted) if !wanted.is_empty() => format!(
                "collect the signature, so that this policy can read its payload (image-trust collect); or have {root} sign this digest in its own repository with exactly the annotations that the rule wants (cosign sign -a …); or change `annotations` or `identities` of the rule"
            ),
            MissingSigner::OtherPayload(_) | MissingSigner::Untold => format!(
                "collect the signature, so that this policy can read its payload (image-trust collect); or have {root} sign this digest in its own repository without annotations; or change `annotations` or `identities` of the rule"
            ),
            MissingSigner::OtherAlgorithm(algorithm) => format!(
                "write `signatureAlgorithm: {}` at the trust root {root}, or have it sign as cosign does by default",
                algorithm.word()
            ),
            MissingSigner::OtherKeysOrAlgorithm(_) => format!(
                "have {root} sign this digest without annotations and with SHA-256 (RSA: PKCS #1 v1.5), as cosign does by default"
            ),
            MissingSigner::Notation(error) => return error.help(),
            MissingSigner::NotaryV1(error) => error.help().to_owned(),
            MissingSigner::OtherKeys(_) | MissingSigner::NotLookedAt(_) => return None,
        })
    }

    /// What the trust root `root` did; `None` if it shares a sentence with others.
    pub(super) fn told(&self, root: &TrustRootName) -> Option<String> {
        self.sentence(root, 1)
    }

    /// The same for an image with this number of signatures.
    fn sentence(&self, root: &TrustRootName, signatures: usize) -> Option<String> {
        let root = quoted(&root.0);
        Some(match self {
            MissingSigner::NotYet(start) => format!("{root} does not count before {start}"),
            MissingSigner::NoLonger(end) => format!("{root} does not count after {end}"),
            MissingSigner::Failed(error, None) => format!("{root}: {}", error.sentence()),
            MissingSigner::Failed(error, Some(expected)) => match error.found() {
                Some(found) => format!("{root}: expected {expected}, found {found}"),
                None => format!("{root}: {}", error.sentence()),
            },
            MissingSigner::Notation(error) => format!("{root}: {}", error.sentence()),
            MissingSigner::NotaryV1(error) => error.sentence(&root),
            MissingSigner::Shared => {
                format!("the only signer that matches {root} already counts for another trust root")
            }
            MissingSigner::NoCertificate => format!("{root} signs with a certificate, and no signature has one"),
            MissingSigner::Annotations(unmet) => {
                format!("{root} signed it without {}, which the rule wants", annotations(unmet))
            }
            MissingSigner::OtherName(name) => {
                format!("{root} signed it as {}, which is not in the rule's `identities`", quoted(name))
            }
            MissingSigner::NoName => {
                format!("{root} signed it without a name, and the rule's `identities` ask for one")
            }
            MissingSigner::OtherPayload(wanted) => {
                let wanted = match wanted.is_empty() {
                    true => String::new(),
                    false => format!("; the rule wants {}", annotations(wanted)),
                };
                format!("{root} signed {UNKNOWN}{wanted}")
            }
            MissingSigner::OtherAlgorithm(algorithm) => {
                format!("{root} signed it with {}, which this trust root does not accept", algorithm.noun())
            }
            MissingSigner::NotLookedAt(unseen) => {
                format!(
                    "its {} not compared with {root}, because {}",
                    if signatures == 1 {
                        "1 signature was".to_owned()
                    } else {
                        format!("{signatures} signatures were")
                    },
                    unseen.sentence()
                )
            }
            MissingSigner::OtherKeys(_) | MissingSigner::OtherKeysOrAlgorithm(_) | MissingSigner::Untold => {
                return None;
            }
        })
    }
}

/// The annotations as a part of a sentence.
fn annotations(annotations: &[String]) -> String {
    let noun = if annotations.len() == 1 { "the annotation" } else { "the annotations" };
    format!("{noun} {}", listed(annotations))
}

impl SignatureAlgorithm {
    fn noun(self) -> &'static str {
        match self {
            SignatureAlgorithm::EcdsaSha256 => "ECDSA and SHA-256",
            SignatureAlgorithm::EcdsaSha384 => "ECDSA and SHA-384",
            SignatureAlgorithm::EcdsaSha512 => "ECDSA and SHA-512",
            SignatureAlgorithm::RsaPkcs1Sha256 => "RSA PKCS #1 v1.5 and SHA-256",
            SignatureAlgorithm::RsaPkcs1Sha384 => "RSA PKCS #1 v1.5 and SHA-384",
            SignatureAlgorithm::RsaPkcs1Sha512 => "RSA PKCS #1 v1.5 and SHA-512",
            SignatureAlgorithm::RsaPssSha256 => "RSASSA-PSS and SHA-256",
            SignatureAlgorithm::RsaPssSha384 => "RSASSA-PSS and SHA-384",
            SignatureAlgorithm::RsaPssSha512 => "RSASSA-PSS and SHA-512",
            SignatureAlgorithm::Ed25519 => "Ed25519",
            SignatureAlgorithm::Ed25519ph => "Ed25519ph",
        }
    }
}

impl VerificationError {
    /// What was found in place of an identity, if the check is about one.
    fn found(&self) -> Option<String> {
        Some(match self {
            VerificationError::Identity(subject, Some(issuer)) => {
                format!("a certificate for {} by issuer {}", quoted(subject), quoted(issuer))
            }
            VerificationError::Identity(subject, None) => format!("a certificate for {}", quoted(subject)),
            VerificationError::Repository(names) if names.is_empty() => {
                "a certificate that does not say for which repository its workflow ran".to_owned()
            }
            VerificationError::Repository(names) => format!("a workflow that ran for the repository {}", listed(names)),
            VerificationError::Reference(names) if names.is_empty() => {
                "a certificate that does not say for which git reference its workflow ran".to_owned()
            }
            VerificationError::Reference(names) => {
                format!("a workflow that ran for the git reference {}", listed(names))
            }
            _ => return None,
        })
    }
}
