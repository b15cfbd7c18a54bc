//! Which laws hold for signatures of Notation?
//!
//! One function for each place where their bytes are decoded. All else is right.

use std::sync::LazyLock;

use serde_json::{Value, json};

use super::{
    Choices,
    asked::{NAME, digest},
    has, lossy,
    mint::{
        Authority, ISSUED,
        evidence::{self, Item},
        notation::{
            self, CRL_URL, Envelope, NotationLeaf, NotationSigner, RevocationList, distribution_points, list_item,
        },
        ocsp::{Delegate, DelegateTerms, OcspResponse, response_item},
    },
};
use crate::host::{FakeHost, answer_to_image, nothing};

static CA: LazyLock<Authority> = LazyLock::new(|| notation::authority("fuzzed notation"));

/// A signer whose certificate says where revocation is told, if `is_revocable`.
fn signer(is_revocable: bool) -> NotationSigner {
    let extensions = if is_revocable { vec![distribution_points(CRL_URL)] } else { Vec::new() };
    notation::signer(&CA, &NotationLeaf { extensions, ..NotationLeaf::default() })
}

static JWS: LazyLock<Envelope> = LazyLock::new(|| Envelope::signing(signer(false), &digest().to_string()));
static COSE: LazyLock<Envelope> = LazyLock::new(|| Envelope { is_cose: true, ..JWS.clone() });
static REVOCABLE: LazyLock<Envelope> = LazyLock::new(|| Envelope::signing(signer(true), &digest().to_string()));
static LIST: LazyLock<Vec<u8>> = LazyLock::new(|| RevocationList::default().signed_by(&CA));

/// An envelope in JWS.
pub fn right_jws() -> Vec<u8> {
    JWS.bytes()
}

/// An envelope in COSE.
pub fn right_cose() -> Vec<u8> {
    COSE.bytes()
}

/// The response of a responder whom the CA certified.
static RESPONSE: LazyLock<OcspResponse> =
    LazyLock::new(|| OcspResponse { about: "notation alice", ..OcspResponse::default() });
static RESPONDER: LazyLock<Delegate> = LazyLock::new(|| Delegate::of(&CA, &DelegateTerms::default()));

/// An OCSP response.
pub fn right_response() -> Vec<u8> {
    RESPONSE.signed_for(&CA, &RESPONDER)
}

/// A revocation list.
pub fn right_list() -> Vec<u8> {
    LIST.clone()
}

/// An identity that alice has.
pub fn right_identity() -> Vec<u8> {
    b"C=US, ST=WA, O=acme, CN=alice".to_vec()
}

/// Is the image admitted with these items, by a trust root with these identities?
fn is_admitted(items: &[Item], identities: Option<&str>) -> bool {
    let mut root = json!({"name": "default", "cert": CA.pem()});
    if let Some(identity) = identities {
        root["identities"] = json!([identity]);
    }
    let settings = json!({
        "validators": [{"name": "default", "type": "notation", "trustRoots": [root]}],
        "policy": [{"pattern": "*"}],
    });
    let manifest = evidence::manifest(items).to_string().into_bytes();
    let host = FakeHost::new().every_digest(digest()).at(ISSUED + 3_600).manifests(move |image| {
        match image.ends_with(".evidence") {
            true => Ok(manifest.clone()),
            false => nothing(),
        }
    });
    let answer = answer_to_image(&format!("{NAME}:1"), &settings.to_string(), &host);
    let is_admitted = answer["accepted"].as_bool().unwrap();
    match is_admitted {
        true => {
            let image = answer["mutated_object"]["spec"]["containers"][0]["image"].as_str();
            assert_eq!(image, Some(&*format!("{NAME}:1@{}", digest())), "pinned to another digest");
        }
        // Identities that are none are a mistake in the settings.
        false => {
            assert!(matches!(answer["code"].as_u64(), Some(403 | 500 | 503)), "denied for something else: {answer}")
        }
    }
    is_admitted
}

/// The law of a JWS envelope: what is signed, the signature and the signer's certificate are as they were.
pub fn jws(data: &[u8]) -> bool {
    let bytes = Choices(data).spoilt(&right_jws());
    let part = |json: &Value| json!([json["payload"], json["protected"], json["signature"], json["header"]["x5c"]]);
    let right: Value = serde_json::from_slice(&right_jws()).unwrap();
    let is_same = serde_json::from_slice(&bytes).is_ok_and(|json| part(&json) == part(&right));
    let is_admitted = is_admitted(&[Item { bytes, ..JWS.item() }], None);
    assert!(is_same || !is_admitted, "something that is signed was changed");
    is_admitted
}

/// The law of a COSE envelope, likewise.
pub fn cose(data: &[u8]) -> bool {
    let bytes = Choices(data).spoilt(&right_cose());
    let signed = [COSE.payload.clone(), COSE.signature()];
    let is_same = signed.iter().chain(&COSE.signer.chain).all(|part| has(&bytes, part));
    let is_admitted = is_admitted(&[Item { bytes, ..COSE.item() }], None);
    assert!(is_same || !is_admitted, "something that is signed was changed");
    is_admitted
}

/// The law of a revocation list: it is the one that the CA signed.
pub fn revocation_list(data: &[u8]) -> bool {
    let bytes = Choices(data).spoilt(&right_list());
    let is_same = bytes == *LIST;
    let is_admitted = is_admitted(&[REVOCABLE.item(), list_item(bytes)], None);
    assert!(is_same || !is_admitted, "the CA did not sign this list");
    is_admitted
}

/// The law of an OCSP response: what the responder signed, and the certificate that the CA gave it, are as they were.
pub fn ocsp_response(data: &[u8]) -> bool {
    let bytes = Choices(data).spoilt(&right_response());
    let data = RESPONSE.data(&CA, &RESPONDER.name, &RESPONDER.key);
    let is_same = has(&bytes, &data) && has(&bytes, &RESPONDER.der);
    let is_admitted = is_admitted(&[REVOCABLE.item(), response_item(bytes)], None);
    assert!(is_same || !is_admitted, "the responder did not sign this response");
    is_admitted
}

/// The law of an identity: whoever has it has all of its attributes.
pub fn identity(data: &[u8]) -> bool {
    let text = lossy(&Choices(data).spoilt(&right_identity()));
    let is_admitted = is_admitted(&[JWS.item()], Some(&format!("x509.subject: {text}")));
    assert!(!is_admitted || is_alices(&text), "{text:?} is not alice");
    is_admitted
}

/// Does every attribute of this name have one of alice's values? By the simplest reading, without escapes, which none of her values needs.
fn is_alices(text: &str) -> bool {
    let plain = text.replace('\\', "");
    plain.split(',').all(|attribute| {
        attribute.split_once('=').is_some_and(|(kind, value)| {
            let kind = kind.trim().to_ascii_uppercase();
            let alices = [("C", "US"), ("ST", "WA"), ("S", "WA"), ("O", "acme"), ("CN", "alice")];
            alices.iter().any(|(known, expected)| *known == kind && *expected == value.trim())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_list_nobody_is_admitted() {
        assert!(!is_admitted(&[REVOCABLE.item()], None));
        assert!(is_admitted(&[REVOCABLE.item(), list_item(right_list())], None));
        assert!(is_admitted(&[REVOCABLE.item(), response_item(right_response())], None));
        assert!(!is_admitted(&[JWS.item()], Some("x509.subject: C=US, ST=WA, O=acme, CN=bob")));
    }
}
