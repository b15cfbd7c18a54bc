//! What does a certificate say about the signer besides the name?
//!
//! Fulcio writes the claims of a workflow's token into extensions of the certificate, from the tenth issuer extension on as UTF8String (Fulcio, "OID Information").
//! The CA reads them from the token, so the workflow's own code cannot choose them.

use der::{Decode as _, asn1::ObjectIdentifier, asn1::Utf8StringRef};

use crate::signing::certificate::Certificate;

/// A claim: its name in the settings, and the last number of its extension `1.3.6.1.4.1.57264.1.n`.
pub type Claim = (&'static str, u8);

/// The claims that settings can ask for.
pub const CLAIMS: [Claim; 14] = [
    ("buildSigner", 9),
    ("buildSignerDigest", 10),
    ("runnerEnvironment", 11),
    ("sourceRepository", 12),
    ("sourceDigest", 13),
    ("sourceRef", 14),
    ("sourceRepositoryId", 15),
    ("sourceOwner", 16),
    ("sourceOwnerId", 17),
    ("buildConfig", 18),
    ("buildConfigDigest", 19),
    ("buildTrigger", 20),
    ("sourceVisibility", 22),
    ("deploymentEnvironment", 23),
];

/// The identifiers of the extensions, without their last number.
const ARC: &str = "1.3.6.1.4.1.57264.1";

/// The claims of a certificate that are texts, by their numbers.
pub(super) fn read(certificate: &Certificate<'_>) -> Vec<(u8, String)> {
    let text = |(_, number): &Claim| {
        let id = ObjectIdentifier::new(&format!("{ARC}.{number}")).ok()?;
        let text = Utf8StringRef::from_der(certificate.extension(id)?).ok()?;
        Some((*number, text.as_str().to_owned()))
    };
    CLAIMS.iter().filter_map(text).collect()
}
