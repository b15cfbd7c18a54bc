//! Why does the trust data of a repository prove nothing, in sentences?

use super::{listed, quoted, reason::Told, unproven::short};
use crate::{
    evidence::{
        UnusableEvidence,
        notary_v1::{Role, RootError, TargetError, TrustDataError, evidence_tag},
    },
    explain::{NoTrustData, NoTrustDataReason},
    text::Shown,
};

impl NoTrustData {
    /// The reason as one stable word, for programs.
    pub(super) fn word(&self) -> &'static str {
        match &self.why {
            NoTrustDataReason::NotCollected => "trust-data-missing",
            NoTrustDataReason::Unusable(_) => "trust-data-unusable",
            NoTrustDataReason::File(error) | NoTrustDataReason::Target(TargetError::Delegation(error)) => error.word(),
            NoTrustDataReason::Target(error) => error.word(),
        }
    }

    /// The failure as people read it. `image` is what the user wrote.
    pub(super) fn told(&self, image: Option<&str>) -> Told {
        let image = image.map_or_else(|| "IMAGE".to_owned(), |image| Shown(image).to_string());
        let server = self.server.as_ref().map_or_else(|| "URL".to_owned(), |server| Shown(server).to_string());
        let collect = format!("image-trust collect --notary {server} {image}");
        let sign = format!("sign it (docker trust sign {image}), then collect its trust data: {collect}");
        let gun = quoted(&self.gun);
        let (sentence, help) = match &self.why {
            NoTrustDataReason::NotCollected => {
                (format!("no trust data of the repository {gun} was collected"), format!("collect it: {collect}"))
            }
            NoTrustDataReason::Unusable(unusable) => {
                let tag = evidence_tag(&self.gun);
                match unusable {
                    UnusableEvidence::Form | UnusableEvidence::Type => (
                        format!("what was found for the repository {gun} is no evidence manifest"),
                        format!("collect its trust data, which replaces what is under the tag {tag}: {collect}"),
                    ),
                    UnusableEvidence::Version => (
                        format!("the evidence of the repository {gun} has a version that this policy does not know"),
                        format!("use a newer version of this policy, or collect with this one: {collect}"),
                    ),
                }
            }
            NoTrustDataReason::File(error) | NoTrustDataReason::Target(TargetError::Delegation(error)) => {
                (format!("the trust data of {gun} proves nothing: {}", error.sentence()), error.help(&collect))
            }
            NoTrustDataReason::Target(error) => {
                (format!("in the trust data of {gun}, {}", error.sentence()), error.help(&sign))
            }
        };
        Told { sentence: format!("not signed: {sentence}"), details: Vec::new(), help: vec![help] }
    }
}

impl TrustDataError {
    fn word(&self) -> &'static str {
        match self {
            TrustDataError::Missing(_) => "trust-data-incomplete",
            TrustDataError::Form(_) => "trust-data-form",
            TrustDataError::Signatures { .. } => "trust-data-signatures",
            TrustDataError::Expired(..) => "trust-data-expired",
            TrustDataError::Hash(_) => "trust-data-hash",
        }
    }

    fn sentence(&self) -> String {
        match self {
            TrustDataError::Missing(role) => format!("it has no usable file of the role {role}"),
            TrustDataError::Form(role) => format!("expected a {role} of Notary v1, found something else"),
            TrustDataError::Signatures { role, signed, threshold } => {
                format!("expected {threshold} of the keys for {role} to sign it, found {signed}")
            }
            TrustDataError::Expired(role, at) => format!("its {role} expired at {at}"),
            TrustDataError::Hash(role) => {
                format!("its {role} is not the one that belongs to the other files")
            }
        }
    }

    fn help(&self, collect: &str) -> String {
        match self {
            TrustDataError::Expired(Role::Timestamp, _) => {
                format!("collect it again, because the notary server renews it: {collect}")
            }
            TrustDataError::Expired(role, _) => {
                format!("have the owner of the repository sign its {role} again, then collect it: {collect}")
            }
            TrustDataError::Missing(_)
            | TrustDataError::Form(_)
            | TrustDataError::Signatures { .. }
            | TrustDataError::Hash(_) => format!("collect it again: {collect}"),
        }
    }
}

impl TargetError {
    fn word(&self) -> &'static str {
        match self {
            TargetError::Delegation(error) => error.word(),
            TargetError::NoDelegations
            | TargetError::UnknownDelegation(_)
            | TargetError::NeverSigned(_)
            | TargetError::NotOneLevel(_) => "delegation-missing",
            TargetError::NoTag(_) | TargetError::NoDigest(_) | TargetError::NoName => "target-missing",
            TargetError::OtherDigest(..) => "target-digest",
            TargetError::Differ(..) => "target-ambiguous",
        }
    }

    fn sentence(&self) -> String {
        match self {
            TargetError::Delegation(error) => error.sentence(),
            TargetError::NoDelegations => "nothing is delegated, and the rule asks for delegations".to_owned(),
            TargetError::UnknownDelegation(name) => format!("nothing is delegated to {}", quoted(name)),
            TargetError::NeverSigned(name) => format!("the delegation {} has signed nothing yet", quoted(name)),
            TargetError::NotOneLevel(name) => {
                format!("{} is not the name of a delegation of the first level", quoted(name))
            }
            TargetError::NoTag(role) => format!("{role} does not list the tag"),
            TargetError::NoDigest(role) => format!("{role} lists no tag with the digest"),
            TargetError::OtherDigest(role, digest) => format!("{role} lists the tag with another digest, {digest}"),
            TargetError::Differ(one, other) => {
                format!("two delegations list the tag with different digests, {} and {}", short(*one), short(*other))
            }
            TargetError::NoName => "nothing can be found without a tag and a digest".to_owned(),
        }
    }

    fn help(&self, sign: &str) -> String {
        match self {
            TargetError::NoDelegations | TargetError::UnknownDelegation(_) | TargetError::NotOneLevel(_) => {
                "correct `delegations` of the rule, or have the owner of the repository delegate (docker trust signer add)"
                    .to_owned()
            }
            TargetError::OtherDigest(..) => format!("use the digest that was signed, or {sign}"),
            TargetError::Delegation(_)
            | TargetError::NeverSigned(_)
            | TargetError::NoTag(_)
            | TargetError::NoDigest(_)
            | TargetError::Differ(..)
            | TargetError::NoName => sign.to_owned(),
        }
    }
}

impl RootError {
    pub(super) fn word(&self) -> &'static str {
        match self {
            RootError::NotSigned => "root-not-signed",
            RootError::Gun(_) => "root-repository",
            RootError::Version { .. } => "trust-data-version",
        }
    }

    /// The reason, as one sentence about the trust root `root`, which is in quotes.
    pub(super) fn sentence(&self, root: &str) -> String {
        match self {
            RootError::NotSigned => format!("the key of {root} did not sign the root of the trust data"),
            RootError::Gun(names) if names.is_empty() => {
                format!("the root key of {root} is in no certificate that names a repository")
            }
            RootError::Gun(names) => {
                format!("the root certificate of {root} is for the repository {}", listed(names))
            }
            RootError::Version { role, is, least } => {
                format!("for {root}, expected a {role} of at least version {least}, found version {is}")
            }
        }
    }

    pub(super) fn help(&self) -> &'static str {
        match self {
            RootError::NotSigned => {
                "pin the root key of the repository; after its rotation that is the new one, and both sign only the first root after it"
            }
            RootError::Gun(_) => {
                "collect the trust data of the image's own repository; for a mirror, write the name of the original repository as `gun` of the trust root"
            }
            RootError::Version { .. } => {
                "collect the trust data again; if it stays, the notary server was rolled back, or `minVersion` of the trust root is too high"
            }
        }
    }
}
