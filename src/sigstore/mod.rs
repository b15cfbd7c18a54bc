//! What do Sigstore's certificates and logs prove about a signature?
//!
//! The parts that every format of Sigstore shares: the trusted root, the signer's certificate and its identity, certificate transparency and the transparency log.

mod certificate_identity;
mod claims;
mod error;
mod leaf;
mod origin;
pub(crate) mod sct;
mod timestamp;
pub(crate) mod tlog_entry;
mod trusted_root;

pub use certificate_identity::{
    Anchored, CertificateIdentity, GITHUB_ISSUER, RegexError, TextMatcher, WantedClaim, Workflow, WorkflowFile,
};
pub use claims::{CLAIMS, Claim};
pub use error::VerificationError;
pub use leaf::GITHUB;
pub(crate) use leaf::Leaf;
pub use origin::Origin;
pub(crate) use timestamp::TimestampAuthorities;
pub(crate) use trusted_root::Logs;
pub use trusted_root::{Authorities, PUBLIC_GOOD_DATE, TrustedRoot, TrustedRootError, TrustedRootProblem};

#[cfg(test)]
mod tests {
    use super::{sct, *};
    use crate::time::UnixTime;

    /// What the public-good instance certified in April 2026, at the time of its log entry. Its signature is over no image, so it ends here.
    const LEAF: &str = include_str!("../../tests/samples/public-good-leaf.pem");
    const INTEGRATED: UnixTime = UnixTime::from_secs(1_775_719_409);

    #[test]
    fn the_public_good_instance_is_believed() {
        let public_good = TrustedRoot::public_good().unwrap();
        assert_eq!(public_good.parts(), [3, 2, 2, 1]);
        let leaf = Leaf::read(LEAF).unwrap();
        let issuer = public_good.authorities.issuer_of(&leaf, &[], &[INTEGRATED]).unwrap();
        assert_eq!(sct::check(&leaf, issuer, &public_good.ctlogs), Ok(()));
        let workflow = |repo: &str, reference: &str| {
            CertificateIdentity::Workflow(Workflow {
                server: GITHUB.into(),
                issuer: GITHUB_ISSUER.into(),
                owner: "kubewarden".into(),
                repo: Some(repo.into()),
                workflow: Some(WorkflowFile::Name("release.yml".into())),
                reference: Some(reference.into()),
            })
        };
        assert_eq!(workflow("kubewarden-controller", "refs/tags/v*").matches(&leaf), Ok(()));
        assert!(workflow("policy-server", "refs/tags/v*").matches(&leaf).is_err());
        assert!(workflow("kubewarden-controller", "refs/heads/*").matches(&leaf).is_err());
        let late = INTEGRATED.plus(std::time::Duration::from_secs(601));
        assert_eq!(
            public_good.authorities.issuer_of(&leaf, &[], &[late]),
            Err(VerificationError::Path(Origin::Module))
        );
        assert_eq!(sct::check(&leaf, issuer, &public_good.tlogs), Err(VerificationError::CtLogUnknown(Origin::Module)));
        let other = TrustedRoot { authorities: Authorities::default(), ..public_good };
        assert_eq!(
            other.authorities.issuer_of(&leaf, &[], &[INTEGRATED]),
            Err(VerificationError::Path(Origin::Validator))
        );
    }
}
