//! What does an error of the host mean, in words, and what would help?

use crate::host::Cause;

impl Cause {
    /// The cause as one stable word, for programs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Cause::Unsigned => "unsigned",
            Cause::Elsewhere => "not-for-this-image",
            Cause::Mismatch => "mismatch",
            Cause::NotFound => "not-found",
            Cause::Unauthorized => "unauthorized",
            Cause::RateLimited => "rate-limited",
            Cause::Blocked => "blocked-by-registry",
            Cause::Forbidden => "forbidden",
            Cause::Undigested => "unusable-digest",
            Cause::TooMany => "too-many-signatures",
            Cause::TooLarge => "too-large-signatures",
            Cause::StoredElsewhere => "signatures-stored-elsewhere",
            Cause::TooMuchEvidence => "too-much-evidence",
            Cause::LargeAttestation => "too-large-attestation",
            Cause::Oversized => "oversized",
            Cause::Unresolved => "unresolved-name",
            Cause::Refused => "connection-refused",
            Cause::NoTls => "no-tls",
            Cause::UnknownAuthority => "unknown-authority",
            Cause::ExpiredCertificate => "expired-certificate",
            Cause::CertificateName => "certificate-of-another-name",
            Cause::Certificate => "invalid-certificate",
            Cause::Unreachable => "unreachable",
            Cause::ServerError => "server-error",
            Cause::Wordless => "error-without-message",
            Cause::WordlessSignatures => "signatures-error-without-message",
            Cause::UnknownError => "unknown-error",
            Cause::UnusableAnswer => "unusable-answer",
            Cause::Unavailable => "unavailable",
        }
    }

    /// What would make the image pass, despite this cause.
    pub(super) fn help(self) -> &'static str {
        match self {
            Cause::Unauthorized => {
                "give the PolicyServer credentials for this registry (imagePullSecret): the Pod's own are not used"
            }
            Cause::RateLimited => {
                "try again later, or give the PolicyServer credentials (imagePullSecret) for which the limit is higher"
            }
            Cause::Blocked => {
                "meet what the registry asks for (a scan, a signature, a release from quarantine, an allowed address), or have an exception made there; the policy server's log has its words"
            }
            Cause::Forbidden => {
                "allow the policy the host capabilities oci/v1/manifest_digest and oci/v1/oci_manifest, also oci/v2/verify if a validator has askHost, and oci/v1/oci_manifest_config for large attestations"
            }
            Cause::Undigested => "write the image with its sha256 digest and without a tag, or have the registry fixed",
            Cause::TooMany | Cause::TooLarge | Cause::StoredElsewhere => {
                "remove the signatures (cosign clean), then sign the image again"
            }
            Cause::Oversized | Cause::TooMuchEvidence => {
                "remove signatures and attestations that nobody needs any more (cosign clean), then sign the image again and write the evidence manifest (image-trust collect)"
            }
            Cause::LargeAttestation => {
                "verify the document in CI, and attest the result, which is small: a verification summary (https://slsa.dev/verification_summary/v1)"
            }
            Cause::Unresolved => "check the registry's name in the image, and the DNS settings of the policy server",
            Cause::Refused => "check the registry's name and port in the image, and that the registry is running",
            Cause::NoTls => {
                "serve the registry with TLS, or list it in the PolicyServer's insecureSources (on the command line: insecure_sources in the --sources-path file)"
            }
            Cause::UnknownAuthority => {
                "give the PolicyServer the registry's certificate authority in sourceAuthorities (on the command line: source_authorities in the --sources-path file)"
            }
            Cause::ExpiredCertificate | Cause::CertificateName | Cause::Certificate => {
                "have the registry's TLS certificate replaced"
            }
            Cause::ServerError => "try again; if it stays, ask whoever runs the registry",
            Cause::Wordless => {
                "check that the image exists and is signed; if it is, give the PolicyServer credentials for this registry (imagePullSecret)"
            }
            Cause::WordlessSignatures => {
                "if it is not signed, sign it (cosign sign); if it is, give the PolicyServer credentials that can read the tags sha256-….sig and sha256-….evidence (imagePullSecret)"
            }
            Cause::UnknownError | Cause::UnusableAnswer => {
                "try again; the policy server's log has the registry's own words (`image-trust explain` shows them too)"
            }
            Cause::Unsigned
            | Cause::Elsewhere
            | Cause::Mismatch
            | Cause::NotFound
            | Cause::Unreachable
            | Cause::Unavailable => "try again, and check that the policy server reaches the registry",
        }
    }

    /// The cause, as one sentence for people.
    pub(super) fn sentence(self) -> &'static str {
        match self {
            Cause::Unsigned => "no signature could be found",
            Cause::Elsewhere => "the policy server found signatures, but none of them is for this image",
            Cause::Mismatch => {
                "the policy server found no signature by this key with the annotations that the rule asks for"
            }
            Cause::NotFound => "the registry does not have this image",
            Cause::Unauthorized => "the registry refused the policy server's credentials",
            Cause::RateLimited => "the registry limits the rate of requests",
            Cause::Blocked => "the registry's own policy refuses this pull",
            Cause::Forbidden => "the policy was not granted a host capability that it needs",
            Cause::Undigested => {
                "the registry gives no digest for this image that can be pinned: expected SHA-256 in lower case"
            }
            Cause::TooMany => "there are more signatures than are read",
            Cause::TooLarge => {
                "the policy server is not asked to download its signature payloads, because they are too large"
            }
            Cause::StoredElsewhere => {
                "the policy server is not asked to download its signature payloads, because the manifest refers to another address (urls)"
            }
            Cause::TooMuchEvidence => {
                "it has more evidence than is read: at most 100 items of 256 KiB each, 3 MiB together, and 8 attestations that are larger"
            }
            Cause::LargeAttestation => {
                "an attestation that may be of this type is too large to be read by a policy: expected a bundle of at most 4 MB, or an attestation of cosign 2 of at most 256 KiB"
            }
            Cause::Oversized => "the registry's answer is larger than 4 MiB",
            Cause::Unresolved => "the name of the registry does not resolve",
            Cause::Refused => "the registry could not be reached: the connection was refused",
            Cause::NoTls => "the registry answers in plain HTTP, but HTTPS is expected",
            Cause::UnknownAuthority => {
                "the policy server does not know the certificate authority of the registry's TLS certificate"
            }
            Cause::ExpiredCertificate => "the registry's TLS certificate has expired or is not valid yet",
            Cause::CertificateName => "the registry's TLS certificate is for another host name",
            Cause::Certificate => "the registry's TLS certificate is not valid",
            Cause::Unreachable => "the registry could not be reached",
            Cause::ServerError => "the registry failed to answer (HTTP 5xx)",
            Cause::Wordless => {
                "the registry answered with an error that has no message: either the image or its signature is not there, or the registry does not show it to the policy server"
            }
            Cause::WordlessSignatures => {
                "the registry has the image, but answered the request for its signatures or its evidence with an error that has no message: either there are none, or it does not show them to the policy server"
            }
            Cause::UnknownError => "the registry answered with an error that this policy does not know",
            Cause::UnusableAnswer => "the registry's answer could not be read",
            Cause::Unavailable => "the policy server gave no usable answer",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_cause_has_a_word_of_its_own() {
        use Cause::*;
        let all = [
            Unsigned,
            Elsewhere,
            Mismatch,
            NotFound,
            Unauthorized,
            RateLimited,
            Blocked,
            Forbidden,
            Undigested,
            TooMany,
            TooLarge,
            StoredElsewhere,
            TooMuchEvidence,
            LargeAttestation,
            Oversized,
            Unresolved,
            Refused,
            NoTls,
            UnknownAuthority,
            ExpiredCertificate,
            CertificateName,
            Certificate,
            Unreachable,
            ServerError,
            Wordless,
            WordlessSignatures,
            UnknownError,
            UnusableAnswer,
            Unavailable,
        ];
        let words: BTreeSet<&str> = all.iter().map(|cause| cause.word()).collect();
        let sentences: BTreeSet<&str> = all.iter().map(|cause| cause.sentence()).collect();
        assert_eq!((words.len(), sentences.len()), (all.len(), all.len()));
        for cause in all {
            assert!(!cause.word().contains(' ') && !cause.help().ends_with('.'), "{cause:?}");
        }
    }
}
