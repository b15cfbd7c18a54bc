//! Why does a signature of Notation not count, in sentences?

use super::{listed, quoted};
use crate::evidence::notation::{ChainError, NotationError, TimestampError};

impl NotationError {
    /// The check that failed, as one stable word for programs.
    pub(super) fn word(&self) -> &'static str {
        match self {
            NotationError::Envelope => "notation-envelope",
            NotationError::Payload => "notation-payload",
            NotationError::OtherImage => "notation-other-image",
            NotationError::Scheme => "notation-scheme",
            NotationError::Untrusted(_) => "notation-untrusted",
            NotationError::Identity(_) => "notation-identity",
            NotationError::Annotations(_) => "notation-annotations",
            NotationError::Critical(_) => "notation-critical-attribute",
            NotationError::Expired(_) => "notation-expired",
            NotationError::Algorithm => "notation-algorithm",
            NotationError::Chain(_) => "notation-chain",
            NotationError::Signature => "notation-signature",
            NotationError::Timestamp(TimestampError::None) => "notation-no-timestamp",
            NotationError::Timestamp(_) => "notation-timestamp",
            NotationError::CertificateExpired(_) => "notation-certificate-expired",
            NotationError::AuthenticTime(_) => "notation-authentic-time",
            NotationError::Revoked(_) => "notation-revoked",
            NotationError::RevocationUnknown(_) => "notation-revocation-unknown",
        }
    }

    /// The check that failed, as a sentence without a beginning.
    pub(super) fn sentence(&self) -> String {
        match self {
            NotationError::Envelope => {
                "its signature cannot be read: expected a JWS or COSE envelope of the Notary Project".to_owned()
            }
            NotationError::Payload => "its signature is not about an image: expected Notation's payload with the media type of an image or an index".to_owned(),
            NotationError::OtherImage => "its signature is for another image".to_owned(),
            NotationError::Scheme => {
                "its signature has another signing scheme than the trust root (notary.x509 or notary.x509.signingAuthority)"
                    .to_owned()
            }
            NotationError::Untrusted(subject) => {
                format!("its signature comes with a certificate of {}, and none that the trust root has", quoted(subject))
            }
            NotationError::Identity(subject) => {
                format!("its signature comes with a certificate of {}, who is not in the trust root's `identities`", quoted(subject))
            }
            NotationError::Annotations(unmet) => {
                format!("its signature lacks {}, which the rule wants", listed(unmet))
            }
            NotationError::Critical(name) => {
                format!("its signature has the critical attribute {}, which this policy does not know", quoted(name))
            }
            NotationError::Expired(expiry) => format!("its signature has expired at {expiry}"),
            NotationError::Algorithm => {
                "its signature has another algorithm than Notation allows the signer's key".to_owned()
            }
            NotationError::Chain(error) => format!("the certificates of its signature are not usable: {}", error.sentence()),
            NotationError::Signature => "the signer's key did not make its signature".to_owned(),
            NotationError::Timestamp(error) => format!("its timestamp does not count: {}", error.sentence()),
            NotationError::CertificateExpired(Some(end)) => format!(
                "a certificate of its signature has expired at {end}, and no trusted timestamp says that the signature is older"
            ),
            NotationError::CertificateExpired(None) => "a certificate of its signature is not valid yet".to_owned(),
            NotationError::AuthenticTime(time) => {
                format!("a certificate of its signature was not valid at {time}, when the signing authority signed")
            }
            NotationError::Revoked(subject) => format!("the CA has revoked the certificate of {}", quoted(subject)),
            NotationError::RevocationUnknown(subject) => {
                format!("whether the certificate of {} was revoked is unknown", quoted(subject))
            }
        }
    }

    /// What would make the image pass. It is `None` if another signature is needed.
    pub(super) fn help(&self) -> Option<String> {
        Some(match self {
            NotationError::Scheme => "set `scheme` of the trust root to that of the signature".to_owned(),
            NotationError::Untrusted(_) => {
                "have a signer of the trust root sign it, or add the CA's certificate to the trust root's `cert`".to_owned()
            }
            NotationError::Identity(_) => {
                "have a signer in the trust root's `identities` sign it, or add this one".to_owned()
            }
            NotationError::Timestamp(TimestampError::None) => {
                "sign it with a timestamp (notation sign --timestamp-url … --timestamp-root-cert …)".to_owned()
            }
            NotationError::CertificateExpired(Some(_)) => {
                "sign it again; or if it has a timestamp, write the root of the time-stamping authority as `tsCert`".to_owned()
            }
            NotationError::RevocationUnknown(_) => {
                "collect the CA's revocation lists and OCSP responses (image-trust collect --crl); if it has none, as AWS Signer, set `overrides: {revocation: log}` in the rule"
                    .to_owned()
            }
            _ => return None,
        })
    }
}

impl ChainError {
    fn sentence(self) -> &'static str {
        match self {
            ChainError::Form => "one of them is not X.509 version 3 in DER",
            ChainError::Key => "one of them has a key of an unsupported kind or size",
            ChainError::Order => "one of them is not signed by the next one",
            ChainError::Incomplete => "the last one is not a self-signed root",
            ChainError::Ca => "a CA's certificate has no critical basic constraints, or allows fewer CAs below it",
            ChainError::LeafIsCa => "the signer's certificate is that of a CA",
            ChainError::KeyUsage => {
                "expected critical key usages: digitalSignature and nothing that encrypts or certifies (signer), keyCertSign (CA)"
            }
            ChainError::ExtendedKeyUsage => "the extended key usages of the signer allow more than signing code",
        }
    }
}

impl TimestampError {
    fn sentence(self) -> &'static str {
        match self {
            TimestampError::None => "there is none",
            TimestampError::Form => "expected an RFC 3161 token in DER",
            TimestampError::Content => "it is about something else",
            TimestampError::Unknown => "it brings no certificate that leads to a root in the trust root's `tsCert`",
            TimestampError::Signature => {
                "the certificate that it names did not sign it, or is not for timestamps only (critical extended key usage)"
            }
            TimestampError::Chain => "its certificates do not allow timestamps",
            TimestampError::Revoked => "the CA has revoked one of its certificates",
            TimestampError::Expired => "one of its certificates was not valid at its time",
            TimestampError::Outside => "a certificate of the signature was not valid at its time",
        }
    }
}
