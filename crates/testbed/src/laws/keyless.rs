//! Which laws hold for keyless signatures?
//!
//! One function for each place where outside data is decoded on the way to one. Each puts its bytes there in several ways, with all else right.

use std::sync::LazyLock;

use base64ct::{Base64, Encoding as _};
use image_trust::policy;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::{
    asked::{is_admitted, is_answered, payload, settings},
    has, lossy,
    mint::{self, Certificate, Entry, ISSUED, Instance, Layer, Leaf, Name, Scts, der, leaf::SCT_LIST},
    overwritten, places, spliced,
};

pub const WORKFLOW: &str = "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1";
/// Names that an expression for the other has to tell from it.
const NEARLY: [&str; 3] = [
    "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1-evil",
    "https://evil.example.com/?https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1",
    "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1\nhttps://evil.example.com/",
];

/// A signature with which the image is admitted.
pub struct Right {
    pub ours: Instance,
    pub certificate: Certificate,
    pub layer: Layer,
    pub settings: String,
    /// The same settings, with the root as the only authority.
    pub of_root: String,
    /// Signatures of workflows, by their names.
    workflows: Vec<(&'static str, Layer)>,
}

pub static RIGHT: LazyLock<Right> = LazyLock::new(|| {
    let ours = Instance::new("ours");
    let alice = json!({"issuer": "https://issuer.example.com", "subject": "alice@example.com"});
    let trusted_root = ours.trusted_root();
    let mut root_only = trusted_root.clone();
    root_only["certificateAuthorities"][0]["certChain"]["certificates"].as_array_mut().unwrap().remove(0);
    let workflow = |name| {
        (name, ours.sign(&Leaf { name: "workflow", names: vec![Name::Uri(name)], ..Leaf::of_workflow() }, &payload()))
    };
    Right {
        certificate: ours.issue(&Leaf::default()),
        layer: ours.sign(&Leaf::default(), &payload()),
        settings: settings(&trusted_root, &alice),
        of_root: settings(&root_only, &alice),
        workflows: std::iter::once(WORKFLOW).chain(NEARLY).map(workflow).collect(),
        ours,
    }
});

impl Right {
    pub fn body(&self) -> Vec<u8> {
        Entry::default().body(&self.layer.payload, &self.layer.signature, &self.layer.verifier)
    }

    /// The value of the certificate's SCT extension.
    pub fn scts(&self) -> Vec<u8> {
        let tbs = contents(contents(&self.certificate.der).unwrap()).unwrap();
        let value = tbs.windows(scts_oid().len()).position(|bytes| bytes == scts_oid()).unwrap() + scts_oid().len();
        contents(&tbs[value..]).unwrap().to_vec()
    }

    /// Is the image admitted with this certificate, this entry, and all else right?
    fn admits(&self, certificate: String, entry: &Entry) -> bool {
        let layer = Layer { verifier: certificate.clone(), certificate: Some(certificate), ..self.layer.clone() };
        is_admitted(&self.settings, &[layer.logged(&self.ours, entry)])
    }
}

/// The law of the certificate beside a signature.
pub fn certificate(data: &[u8]) -> bool {
    let Right { ours, certificate: right, layer, settings, .. } = &*RIGHT;
    let changed = overwritten(&right.der, data);
    let texts =
        [lossy(data), pem(data), pem(&changed), lossy(&spliced(right.pem().as_bytes(), data))].map(|certificate| {
            let is_right = unpem(&certificate) == [right.der.clone()];
            let is_admitted = is_admitted(settings, &[Layer { certificate: Some(certificate), ..layer.clone() }]);
            assert!(is_right || !is_admitted, "another certificate than the one in the log");
            is_admitted
        });

    // What is no certificate from its first byte on is not worth a log's signature, nor the authority's.
    let is_der = |der: &&[u8]| der.starts_with(&[der::SEQUENCE]);
    // The log has seen the very same one.
    for der in [data, &*changed].into_iter().filter(is_der) {
        let is_admitted = RIGHT.admits(pem(der), &Entry::default());
        assert!(!is_admitted || der == right.der, "the CA did not sign this certificate");
    }
    // And the authority has signed it, but no log of certificates.
    let tbs = signed(&right.der).unwrap();
    let promised = tbs.windows(scts_oid().len()).position(|bytes| bytes == scts_oid()).unwrap();
    for other in [data, &*overwritten(tbs, data)].into_iter().filter(is_der) {
        let is_admitted = RIGHT.admits(pem(&ours.intermediate.sign(other)), &Entry::default());
        assert!(!is_admitted || other.starts_with(&tbs[..promised]), "the CT log did not promise this certificate");
    }
    texts.contains(&true)
}

/// The certificates above it, where only the root is trusted.
pub fn chain(data: &[u8]) -> bool {
    let Right { ours, layer, of_root, .. } = &*RIGHT;
    let right = &ours.intermediate.der;
    let [tbs, root] = [signed(right).unwrap(), &ours.root.der];
    let text = |ders: &[&[u8]]| ders.iter().map(|der| pem(der)).collect::<String>();
    let changed = overwritten(right, data);
    let issued = ours.root.sign(&overwritten(tbs, data));
    let texts = [
        lossy(data),
        text(&[data]),
        text(&[data, right]),
        text(&[&changed]),
        text(&[&changed, root]),
        text(&[&issued, root]),
        lossy(&spliced(ours.chain_pem().as_bytes(), data)),
    ];
    let key = ours.intermediate.key.public();
    texts
        .map(|chain| {
            let is_there = unpem(&chain).iter().any(|der| {
                let tbs = signed(der).unwrap_or_default();
                [&*key, &ours.intermediate.name, &ours.root.name, &der::oid("2.5.29.19")]
                    .iter()
                    .all(|part| has(tbs, part))
            });
            let is_admitted = is_admitted(of_root, &[Layer { chain: Some(chain), ..layer.clone() }]);
            assert!(is_there || !is_admitted, "the authority that issued the certificate is not in the chain");
            is_admitted
        })
        .contains(&true)
}

/// The law of the log entry that cosign stores beside a signature.
pub fn log_entry(data: &[u8]) -> bool {
    let Right { layer, settings, .. } = &*RIGHT;
    let right = layer.bundle.as_deref().unwrap();
    let same: Value = serde_json::from_str(right).unwrap();
    let promise = Base64::decode_vec(same["SignedEntryTimestamp"].as_str().unwrap()).unwrap();
    let promised = |promise: &[u8]| {
        let mut bundle = same.clone();
        bundle["SignedEntryTimestamp"] = der::base64(promise).into();
        bundle.to_string().into_bytes()
    };
    let texts = [
        data.to_vec(),
        overwritten(right.as_bytes(), data),
        spliced(right.as_bytes(), data),
        promised(data),
        promised(&overwritten(&promise, data)),
    ];
    texts
        .map(|text| {
            let bundle = lossy(&text);
            let is_same = serde_json::from_str::<Value>(&bundle).is_ok_and(|bundle| bundle == same);
            let is_admitted = is_admitted(settings, &[Layer { bundle: Some(bundle), ..layer.clone() }]);
            assert!(is_same || !is_admitted, "the log did not promise this entry");
            is_admitted
        })
        .contains(&true)
}

/// The law of the body of a log entry, and of the log's promise about it.
pub fn log_body(data: &[u8]) -> bool {
    let Right { layer, certificate, .. } = &*RIGHT;
    let right = RIGHT.body();
    let admits = |entry: &Entry| RIGHT.admits(certificate.pem(), entry);
    let of_verifier = Entry { verifier: Some(lossy(data)), ..Entry::default() };
    let of_verifier = of_verifier.body(&layer.payload, &layer.signature, &layer.verifier);
    let bodies = [data.to_vec(), overwritten(&right, data), spliced(&right, data), of_verifier];
    let is_admitted = bodies.map(|body| {
        let is_about = is_about(&body, layer, &certificate.der);
        let is_admitted = admits(&Entry { body: Some(body), ..Entry::default() });
        assert!(is_about || !is_admitted, "the entry is about something else");
        is_admitted
    });

    // Its time is the one at which the certificate is conformance.
    if let Some((time, rest)) = data.split_first_chunk() {
        let integrated_time = u64::from_be_bytes(*time);
        let log_id = (!rest.is_empty()).then(|| lossy(rest));
        let is_known = log_id.as_ref().is_none_or(|id| *id == mint::hex(&RIGHT.ours.rekor.id()));
        let is_admitted = admits(&Entry { log_id, ..Entry::at(integrated_time) });
        let is_valid = (ISSUED..=ISSUED + 600).contains(&integrated_time);
        assert!(is_valid && is_known || !is_admitted, "the log was not that one, or that was not its time");
    }
    is_admitted.contains(&true)
}

/// The law of the SCTs in a certificate of the right authority.
pub fn scts(data: &[u8]) -> bool {
    let Right { ours, .. } = &*RIGHT;
    let right = RIGHT.scts();
    let list = contents(&right).unwrap();
    let one = &list[4..];
    // Of an SCT (RFC 6962, section 3.2) all but the kind of its signature is signed, or is the signature.
    let (promise, signature) = (&one[..43], &one[45..]);
    let octets = |list: &[u8]| der::tlv(der::OCTETS, list);
    let counted = |bytes: &[u8]| {
        let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_be_bytes();
        [&length[..], bytes].concat()
    };
    let values = [
        data.to_vec(),
        octets(&counted(&counted(data))),
        octets(&counted(&[counted(data), counted(one)].concat())),
        overwritten(&right, data),
        spliced(&right, data),
    ];
    values
        .map(|value| {
            let is_there = has(&value, promise) && has(&value, signature);
            let certificate = ours.issue(&Leaf { scts: Scts::Raw(value), ..Leaf::default() });
            let is_admitted = RIGHT.admits(certificate.pem(), &Entry::default());
            assert!(is_there || !is_admitted, "no log promised this certificate");
            is_admitted
        })
        .contains(&true)
}

/// The law of the trusted root in the settings.
pub fn trusted_root(data: &[u8]) -> bool {
    let right = RIGHT.ours.trusted_root();
    let text = right.to_string();
    let mut documents = vec![
        lossy(data).into(),
        lossy(&overwritten(text.as_bytes(), data)).into(),
        lossy(&spliced(text.as_bytes(), data)).into(),
    ];
    let value = serde_json::from_slice::<Value>(data);
    documents.extend(value);
    if let [at, rest @ ..] = data {
        let replaced = |pointers: Vec<String>, with: &dyn Fn(&Value) -> Value| {
            let mut document = right.clone();
            let place = document.pointer_mut(&pointers[usize::from(*at) % pointers.len()]).unwrap();
            *place = with(place);
            document
        };
        let everywhere = places(&right, "");
        let bytes = everywhere.iter().filter(|place| place.ends_with("/rawBytes")).cloned().collect();
        let json = serde_json::from_slice(rest).unwrap_or(Value::Null);
        documents.push(replaced(bytes, &|place| {
            let der = Base64::decode_vec(place.as_str().unwrap()).unwrap();
            der::base64(&overwritten(&der, rest)).into()
        }));
        documents.push(replaced(everywhere.clone(), &|_| lossy(rest).into()));
        documents.push(replaced(everywhere, &|_| json.clone()));
    }
    let alice = json!({"issuer": "https://issuer.example.com", "subject": "alice@example.com"});
    let is_admitted = documents.iter().map(|document| {
        let settings = settings(document, &alice);
        let layers = std::slice::from_ref(&RIGHT.layer);
        match policy::check(&settings).is_empty() {
            true => is_admitted(&settings, layers),
            false => {
                is_answered(&settings, layers);
                false
            }
        }
    });
    is_admitted.fold(false, |any, one| any | one)
}

/// The law of expressions for names.
pub fn regex(data: &[u8]) -> bool {
    let text = lossy(data);
    let keyless = json!({"issuer": "https://token.actions.githubusercontent.com", "subjectRegex": text});
    let settings = settings(&RIGHT.ours.trusted_root(), &keyless);
    let is_accepted = policy::check(&settings).is_empty();
    // A match takes time in proportion to both, and names are short.
    assert!(!is_accepted || text.len() <= 512, "the expression is too long");
    let whole = is_accepted.then(|| regex_lite::Regex::new(&format!("^(?:{text})$")).unwrap());
    let admitted = RIGHT.workflows.iter().filter(|(name, layer)| {
        let Some(whole) = &whole else {
            is_answered(&settings, std::slice::from_ref(layer));
            return false;
        };
        let is_admitted = is_admitted(&settings, std::slice::from_ref(layer));
        let is_match = whole.find(name).is_some_and(|found| found.range() == (0..name.len()));
        assert_eq!(is_admitted, is_match, "{text:?} and {name:?}");
        is_admitted
    });
    admitted.count() > 0
}

fn pem(der: &[u8]) -> String {
    der::pem("CERTIFICATE", der)
}

/// What is in the blocks of a PEM text, read as loosely as anybody could.
fn unpem(text: &str) -> Vec<Vec<u8>> {
    let blocks = text.split("-----BEGIN CERTIFICATE-----").skip(1).filter_map(|rest| rest.split("-----END").next());
    blocks.filter_map(|block| Base64::decode_vec(&block.split_ascii_whitespace().collect::<String>()).ok()).collect()
}

/// The first value in DER, with its tag and length, and what is in it.
fn first(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (header, length) = match *der {
        [_, length @ ..=0x7f, ..] => (2, usize::from(length)),
        [_, 0x81, length, ..] => (3, usize::from(length)),
        [_, 0x82, high, low, ..] => (4, usize::from(u16::from_be_bytes([high, low]))),
        _ => return None,
    };
    Some((der.get(..header + length)?, der.get(header..header + length)?))
}

fn contents(der: &[u8]) -> Option<&[u8]> {
    Some(first(der)?.1)
}

/// The part of a certificate that its issuer signs.
fn signed(certificate: &[u8]) -> Option<&[u8]> {
    Some(first(contents(certificate)?)?.0)
}

fn scts_oid() -> &'static [u8] {
    static OID: LazyLock<Vec<u8>> = LazyLock::new(|| der::oid(SCT_LIST));
    &OID
}

/// Whether the body of a log entry is about this certificate and this signature.
fn is_about(body: &[u8], layer: &Layer, certificate: &[u8]) -> bool {
    let Ok(body) = serde_json::from_slice::<Value>(body) else { return false };
    let text = |pointer| body.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let decoded = |pointer| Base64::decode_vec(text(pointer)).unwrap_or_default();
    let hash = match text("/spec/data/hash/algorithm") {
        "sha256" => mint::hex(&Sha256::digest(&layer.payload)),
        "sha384" => mint::hex(&Sha384::digest(&layer.payload)),
        "sha512" => mint::hex(&Sha512::digest(&layer.payload)),
        _ => return false,
    };
    text("/kind") == "hashedrekord"
        && text("/apiVersion") == "0.0.1"
        && text("/spec/data/hash/value") == hash
        && decoded("/spec/signature/content") == layer.signature
        && unpem(&lossy(&decoded("/spec/signature/publicKey/content"))) == [certificate]
}
