//! Is what `crates/testbed/src/mint` makes what it says that it is? Read and verified by code that has nothing of it.

use base64ct::{Base64, Encoding as _};
use image_trust_testbed::mint::{
    self, Authority, Ca, Entry, Extension, Instance, Issuer, Key, Kind, Layer, Leaf, Name, Sct, Scts, authority, der,
    hex, leaf, log, manifest, payload, signature,
};
use p256::ecdsa::signature::{Verifier as _, hazmat::PrehashVerifier as _};
use p256::pkcs8::DecodePublicKey as _;
use rsa::pkcs1v15::Pkcs1v15Sign;
use serde_json::Value;
use sha2::{Digest as _, Sha256, Sha384};
use x509_cert::{
    Certificate, TbsCertificate,
    der::{Decode as _, DecodePem as _, Encode as _, asn1::Utf8StringRef},
    ext::pkix::{
        BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAltName,
        name::GeneralName,
        sct::{SignedCertificateTimestamp, SignedCertificateTimestampList},
    },
    spki::SubjectPublicKeyInfoOwned,
};

const KINDS: [Kind; 4] = [Kind::P256, Kind::P384, Kind::Ed25519, Kind::Rsa2048];
const DIGEST: &str = "sha256:154b50bd1f6deac244885c7acbc0e0a4c6833d86adf6b261ddeb8efbb33e2bc6";

fn example() -> Vec<u8> {
    payload("registry.example.com/acme/app", DIGEST)
}

/// Is this the signature of this public key, with this hash on P-384?
fn verifies(public: &[u8], message: &[u8], signature: &[u8], sha384: bool) -> bool {
    let info = SubjectPublicKeyInfoOwned::from_der(public).unwrap();
    let (hash, wide) = (Sha256::digest(message), Sha384::digest(message));
    match info.algorithm.oid.to_string().as_str() {
        "1.2.840.10045.2.1" => match p256::ecdsa::VerifyingKey::from_public_key_der(public) {
            Ok(key) => key.verify_prehash(&hash, &p256::ecdsa::Signature::from_der(signature).unwrap()).is_ok(),
            Err(_) => {
                let key = p384::ecdsa::VerifyingKey::from_public_key_der(public).unwrap();
                let hash: &[u8] = if sha384 { &wide } else { &hash };
                key.verify_prehash(hash, &p384::ecdsa::Signature::from_der(signature).unwrap()).is_ok()
            }
        },
        "1.3.101.112" => {
            let key = info.subject_public_key.raw_bytes().try_into().unwrap();
            let key = ed25519_dalek::VerifyingKey::from_bytes(key).unwrap();
            key.verify(message, &ed25519_dalek::Signature::from_slice(signature).unwrap()).is_ok()
        }
        _ => {
            use rsa::pkcs8::DecodePublicKey as _;
            let key = rsa::RsaPublicKey::from_public_key_der(public).unwrap();
            // SHA-256, as PKCS #1 has it.
            let prefix = hex_bytes("3031300d060960864801650304020105000420");
            let scheme = Pkcs1v15Sign { hash_len: Some(32), prefix: prefix.into() };
            key.verify(scheme, &hash, signature).is_ok()
        }
    }
}

fn hex_bytes(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn parse(der: &[u8]) -> Certificate {
    let certificate = Certificate::from_der(der).unwrap();
    assert_eq!(certificate.to_der().unwrap(), der, "it is DER");
    certificate
}

fn is_signed_by(certificate: &Certificate, authority: &Authority) -> bool {
    let tbs = certificate.tbs_certificate().to_der().unwrap();
    verifies(&authority.key.public(), &tbs, certificate.signature().raw_bytes(), true)
}

fn value<'c>(certificate: &'c Certificate, oid: &str) -> Option<&'c [u8]> {
    let mut extensions = certificate.tbs_certificate().extensions().unwrap().iter();
    extensions.find(|extension| extension.extn_id.to_string() == oid).map(|found| found.extn_value.as_bytes())
}

#[test]
fn every_kind_of_key_signs() {
    for kind in KINDS {
        let key = Key::new(kind, "alice");
        assert!(verifies(&key.public(), b"message", &key.sign(b"message"), false), "{kind:?} as cosign signs");
        assert!(verifies(&key.public(), b"message", &key.certify(b"message"), true), "{kind:?} as authorities do");
        assert!(!verifies(&key.public(), b"other", &key.sign(b"message"), false), "{kind:?}: another message");
        assert!(image_trust::PublicKey::parse(&key.public_pem()).is_ok(), "{kind:?}: a key that settings can have");
    }
    let wide = Key::new(Kind::P384Wide, "alice");
    assert_eq!(wide.public(), Key::new(Kind::P384, "alice").public());
    assert!(verifies(&wide.public(), b"message", &wide.sign(b"message"), true), "as cosign 3 signs");
    let hashed = Key::new(Kind::Ed25519Hashed, "alice");
    assert_eq!(hashed.public(), Key::new(Kind::Ed25519, "alice").public());
    let info = SubjectPublicKeyInfoOwned::from_der(&hashed.public()).unwrap();
    let key = ed25519_dalek::VerifyingKey::from_bytes(info.subject_public_key.raw_bytes().try_into().unwrap()).unwrap();
    let signature = ed25519_dalek::Signature::from_slice(&hashed.sign(b"message")).unwrap();
    let hash = ed25519_dalek::Sha512::new_with_prefix(b"message");
    assert!(key.verify_prehashed_strict(hash, None, &signature).is_ok(), "as cosign 3 signs");
}

#[test]
fn authorities_are_signed_by_those_above() {
    for kind in KINDS {
        let instance = Instance::of_kind(kind, "fulcio");
        let below = instance.sub_ca("below", Some(3));
        let rows = [
            (&instance.root, &instance.root, None, "the root"),
            (&instance.intermediate, &instance.root, Some(0), "the intermediate"),
            (&below, &instance.intermediate, Some(3), "one below"),
        ];
        for (authority, above, path_len, reason) in rows {
            let certificate = parse(&authority.der);
            let tbs = certificate.tbs_certificate();
            assert!(is_signed_by(&certificate, above), "{kind:?}: {reason}");
            assert_eq!(tbs.subject().to_der().unwrap(), authority.name, "{kind:?}: {reason}");
            assert_eq!(tbs.issuer().to_der().unwrap(), above.name, "{kind:?}: {reason}");
            let (critical, constraints) = tbs.get_extension::<BasicConstraints>().unwrap().unwrap();
            assert!(critical && constraints.ca && constraints.path_len_constraint == path_len, "{kind:?}: {reason}");
            assert!(tbs.get_extension::<KeyUsage>().unwrap().unwrap().1.key_cert_sign(), "{kind:?}: {reason}");
        }
        let chain = Certificate::load_pem_chain(below.chain_pem().as_bytes()).unwrap();
        let chain: Vec<Vec<u8>> = chain.iter().map(|certificate| certificate.to_der().unwrap()).collect();
        assert_eq!(chain, [below.der, instance.intermediate.der, instance.root.der], "{kind:?}");
    }
    let (real, impostor) = (Instance::new("fulcio"), Instance::impostor("fulcio"));
    let leaf = parse(&impostor.issue(&Leaf::default()).der);
    let issuer = leaf.tbs_certificate().issuer().to_der().unwrap();
    assert_eq!(issuer, real.intermediate.name, "an impostor has the name");
    assert!(is_signed_by(&leaf, &impostor.intermediate) && !is_signed_by(&leaf, &real.intermediate), "but no key");
}

#[test]
fn a_leaf_says_what_was_asked_for() {
    let instance = Instance::new("fulcio");
    for kind in KINDS {
        let minted = instance.issue(&Leaf { kind, ..Leaf::of_workflow() });
        let certificate = parse(&minted.der);
        let tbs = certificate.tbs_certificate();
        assert!(is_signed_by(&certificate, &instance.intermediate), "{kind:?}");
        assert!(tbs.subject().is_empty(), "{kind:?}");
        assert_eq!(tbs.subject_public_key_info().to_der().unwrap(), minted.key.public(), "{kind:?}");
        assert_eq!(tbs.validity().not_before.to_unix_duration().as_secs(), mint::ISSUED);
        assert_eq!(tbs.validity().not_after.to_unix_duration().as_secs(), mint::ISSUED + 600);
        let usage = tbs.get_extension::<KeyUsage>().unwrap().unwrap();
        assert!(usage.0 && usage.1.digital_signature() && !usage.1.key_cert_sign());
        let purposes = tbs.get_extension::<ExtendedKeyUsage>().unwrap().unwrap().1;
        assert_eq!(purposes.0.iter().map(ToString::to_string).collect::<Vec<_>>(), [mint::CODE_SIGNING]);
        assert_eq!(value(&certificate, leaf::REPOSITORY_V1).unwrap(), b"acme/app");
        for (oid, text) in [
            (leaf::ISSUER_V2, "https://token.actions.githubusercontent.com"),
            (leaf::REPOSITORY_V2, "https://github.com/acme/app"),
        ] {
            let found = value(&certificate, oid).unwrap();
            assert_eq!(Utf8StringRef::from_der(found).unwrap().as_str(), text);
        }
        assert_eq!(Certificate::from_pem(minted.pem()).unwrap(), certificate, "{kind:?}");
    }
    let names = vec![
        Name::Email("a@example.com"),
        Name::Dns("example.com"),
        Name::Uri("https://example.com/a"),
        Name::Other("a!example.com"),
    ];
    let certificate = parse(&instance.issue(&Leaf { names, ..Leaf::default() }).der);
    let (critical, names) = certificate.tbs_certificate().get_extension::<SubjectAltName>().unwrap().unwrap();
    assert!(critical);
    let [
        GeneralName::Rfc822Name(email),
        GeneralName::DnsName(host),
        GeneralName::UniformResourceIdentifier(uri),
        GeneralName::OtherName(other),
    ] = names.0.as_slice()
    else {
        panic!("{names:?}")
    };
    assert_eq!(
        (email.as_str(), host.as_str(), uri.as_str()),
        ("a@example.com", "example.com", "https://example.com/a")
    );
    assert_eq!(other.type_id.to_string(), leaf::OTHER_NAME);
    assert_eq!(other.value.decode_as::<Utf8StringRef<'_>>().unwrap().as_str(), "a!example.com");
}

#[test]
fn a_leaf_can_be_wrong_in_every_way() {
    let (instance, other) = (Instance::new("fulcio"), Instance::new("another"));
    let plain = Leaf::default;
    let has = |certificate: &Certificate, oid| value(certificate, oid).is_some();
    type Check<'c> = &'c dyn Fn(&Certificate) -> bool;
    let unknown = || Extension::critical("1.2.3.4.5", vec![5, 0]);
    let rows: &[(Leaf, Check<'_>, &str)] = &[
        (Leaf { names: vec![], ..plain() }, &|c| !has(c, "2.5.29.17"), "no name"),
        (Leaf { issuer_v1: None, ..plain() }, &|c| !has(c, leaf::ISSUER_V1), "no issuer of the first form"),
        (Leaf { issuer_v2: None, ..plain() }, &|c| !has(c, leaf::ISSUER_V2), "no issuer of the second form"),
        (Leaf { purposes: vec![], ..plain() }, &|c| !has(c, "2.5.29.37"), "for no purpose"),
        (
            Leaf { digital_signature: false, ..plain() },
            &|c| !c.tbs_certificate().get_extension::<KeyUsage>().unwrap().unwrap().1.digital_signature(),
            "not for signatures",
        ),
        (
            Leaf { is_ca: true, ..plain() },
            &|c| c.tbs_certificate().get_extension::<BasicConstraints>().unwrap().is_some_and(|found| found.1.ca),
            "an authority",
        ),
        (
            Leaf { extensions: vec![unknown()], ..plain() },
            &|c| {
                let extensions = c.tbs_certificate().extensions().unwrap();
                extensions.iter().any(|found| found.critical && found.extn_id.to_string() == "1.2.3.4.5")
            },
            "an extension that nobody knows",
        ),
        (
            Leaf {
                extensions: vec![Extension::new(leaf::ISSUER_V1, b"https://other.example.com".to_vec())],
                ..plain()
            },
            &|c| {
                let extensions = c.tbs_certificate().extensions().unwrap().iter();
                extensions.filter(|found| found.extn_id.to_string() == leaf::ISSUER_V1).count() == 2
            },
            "an extension twice",
        ),
        (Leaf { issuer: Issuer::Root, ..plain() }, &|c| is_signed_by(c, &instance.root), "by the root"),
        (
            Leaf { issuer: Issuer::Authority(other.intermediate.clone()), ..plain() },
            &|c| is_signed_by(c, &other.intermediate),
            "by another instance",
        ),
        (
            Leaf { issuer: Issuer::Itself, ..plain() },
            &|c| {
                let own = Authority { key: Key::p256("alice"), ..instance.root.clone() };
                is_signed_by(c, &own) && c.tbs_certificate().issuer().is_empty()
            },
            "by itself",
        ),
        (Leaf { scts: Scts::Missing, ..plain() }, &|c| !has(c, leaf::SCT_LIST), "no promise"),
        (
            Leaf { scts: Scts::Raw(vec![1, 2, 3]), ..plain() },
            &|c| value(c, leaf::SCT_LIST) == Some(&[1, 2, 3]),
            "no list of promises",
        ),
        (
            Leaf { not_after: 2_600_000_000, ..plain() },
            &|c| c.tbs_certificate().validity().not_after.to_unix_duration().as_secs() == 2_600_000_000,
            "into the next half of the century",
        ),
    ];
    for (asked, check, reason) in rows {
        let minted = instance.issue(asked).der;
        assert!(check(&parse(&minted)), "{reason}");
        assert!(!check(&parse(&instance.issue(&plain()).der)), "{reason}: not by itself");
    }
    let trailing = instance.issue(&Leaf { trailing: vec![0, 0], ..plain() }).der;
    assert_eq!(trailing, [instance.issue(&plain()).der, vec![0, 0]].concat());
    let no_sign = Authority::root(&Ca { cert_sign: false, ..Ca::default() });
    let no_sign = parse(&no_sign.der).tbs_certificate().get_extension::<KeyUsage>().unwrap().unwrap().1;
    assert!(!no_sign.key_cert_sign());
}

/// The signed certificate timestamps in a certificate.
fn promises(certificate: &Certificate) -> Vec<SignedCertificateTimestamp> {
    let list = SignedCertificateTimestampList::from_der(value(certificate, leaf::SCT_LIST).unwrap()).unwrap();
    list.parse_timestamps().unwrap().iter().map(|promise| promise.parse_timestamp().unwrap()).collect()
}

#[test]
fn logs_of_certificates_promise_what_they_saw() {
    let instance = Instance::new("fulcio");
    let other = instance.issue(&Leaf { name: "bob", ..Leaf::default() });
    let stranger = Key::p256("another log");
    let scts = vec![
        Sct::default(),
        Sct { key: Some(stranger.clone()), timestamp: Some(12_345), ..Sct::default() },
        Sct { over: Some(other.logged.clone()), extensions: vec![1, 2], ..Sct::default() },
    ];
    let minted = instance.issue(&Leaf { scts: Scts::List(scts), ..Leaf::default() });
    let certificate = parse(&minted.der);

    let (all, logged) = (certificate.tbs_certificate(), TbsCertificate::from_der(&minted.logged).unwrap());
    let mut without = all.extensions().unwrap().clone();
    without.retain(|extension| extension.extn_id.to_string() != leaf::SCT_LIST);
    assert_eq!(logged.extensions(), Some(&without), "a log sees all but its promise");
    assert_eq!(logged.serial_number(), all.serial_number());
    assert_eq!((logged.issuer(), logged.validity()), (all.issuer(), all.validity()));

    let promises = promises(&certificate);
    let begin = mint::ISSUED * 1000;
    let rows = [
        (&instance.ct, begin, &minted.logged, "the right one"),
        (&stranger, 12_345, &minted.logged, "another log's"),
        (&instance.ct, begin, &other.logged, "over another certificate"),
    ];
    assert_eq!(promises.len(), rows.len());
    for (promise, (key, timestamp, about, reason)) in promises.iter().zip(rows) {
        assert_eq!((promise.log_id.key_id, promise.timestamp), (key.id(), timestamp), "{reason}");
        let mut message = vec![0, 0];
        message.extend(timestamp.to_be_bytes());
        message.extend([0, 1]);
        message.extend(Sha256::digest(instance.intermediate.key.public()));
        message.extend(&u32::try_from(about.len()).unwrap().to_be_bytes()[1..]);
        message.extend(about);
        message.extend(u16::try_from(promise.extensions.as_slice().len()).unwrap().to_be_bytes());
        message.extend(promise.extensions.as_slice());
        assert!(verifies(&key.public(), &message, promise.signature.signature.as_slice(), false), "{reason}");
    }
}

/// What a layer's log entry says, whether its promise verifies with this key, and the document in it.
fn entry(layer: &Layer, log: &Key) -> (Value, bool, Value) {
    let bundle: Value = serde_json::from_str(layer.bundle.as_ref().unwrap()).unwrap();
    let promised = bundle["Payload"].clone();
    let text = format!(
        r#"{{"body":{},"integratedTime":{},"logID":{},"logIndex":{}}}"#,
        promised["body"], promised["integratedTime"], promised["logID"], promised["logIndex"]
    );
    let set = Base64::decode_vec(bundle["SignedEntryTimestamp"].as_str().unwrap()).unwrap();
    let body = Base64::decode_vec(promised["body"].as_str().unwrap()).unwrap();
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    (promised, verifies(&log.public(), text.as_bytes(), &set, false), body)
}

#[test]
fn the_log_of_signatures_promises_what_it_wrote() {
    let instance = Instance::new("rekor");
    let minted = instance.sign(&Leaf::default(), &example());
    let (promised, verified, body) = entry(&minted, &instance.rekor);
    assert!(verified);
    assert_eq!(promised["integratedTime"], mint::ISSUED + 60);
    assert_eq!(promised["logID"], hex(&instance.rekor.id()));
    let text = String::from_utf8(Base64::decode_vec(promised["body"].as_str().unwrap()).unwrap()).unwrap();
    let expected = format!(
        r#"{{"apiVersion":"0.0.1","kind":"hashedrekord","spec":{{"data":{{"hash":{{"algorithm":"sha256","value":"{}"}}}},"signature":{{"content":"{}","publicKey":{{"content":"{}"}}}}}}}}"#,
        hex(&Sha256::digest(example())),
        Base64::encode_string(&minted.signature),
        Base64::encode_string(minted.certificate.as_ref().unwrap().as_bytes()),
    );
    assert_eq!(text, expected, "in order, and without spaces");

    let by_key = Layer::by_key(&Key::p256("alice"), &example()).logged(&instance, &Entry::default());
    let (_, verified, body_by_key) = entry(&by_key, &instance.rekor);
    let pem = Base64::encode_string(Key::p256("alice").public_pem().as_bytes());
    assert!(verified && body_by_key["spec"]["signature"]["publicKey"]["content"] == pem.as_str());
    assert!(by_key.certificate.is_none() && by_key.chain.is_none());

    let plain = Entry::default;
    let rows = [
        (Entry { kind: "intoto", ..plain() }, "/kind", "\"intoto\"", "another kind"),
        (Entry { api_version: "0.0.2", ..plain() }, "/apiVersion", "\"0.0.2\"", "another version"),
        (Entry { algorithm: "sha512", ..plain() }, "/spec/data/hash/algorithm", "\"sha512\"", "another algorithm"),
        (Entry { hash: Some("00".to_owned()), ..plain() }, "/spec/data/hash/value", "\"00\"", "another hash"),
        (Entry { signature: Some(vec![0]), ..plain() }, "/spec/signature/content", "\"AA==\"", "another signature"),
        (
            Entry { verifier: Some("\0".to_owned()), ..plain() },
            "/spec/signature/publicKey/content",
            "\"AA==\"",
            "another key",
        ),
        (Entry { body: Some(b"[1]".to_vec()), ..plain() }, "", "[1]", "another document"),
    ];
    for (asked, pointer, expected, reason) in rows {
        let (_, verified, other) = entry(&instance.sign_logged(&Leaf::default(), &asked, &example()), &instance.rekor);
        assert!(verified, "{reason}");
        assert_eq!(other.pointer(pointer).unwrap().to_string(), expected, "{reason}");
        assert_ne!(other, body, "{reason}");
    }
    let stranger = Key::p256("another log");
    let foreign = Entry { key: Some(stranger.clone()), ..plain() };
    let foreign = instance.sign_logged(&Leaf::default(), &foreign, &example());
    assert!(entry(&foreign, &stranger).1 && !entry(&foreign, &instance.rekor).1, "another log's");
    let pretended = Entry { key: Some(stranger), log_id: Some(hex(&instance.rekor.id())), ..Entry::at(5) };
    let (promised, verified, _) =
        entry(&instance.sign_logged(&Leaf::default(), &pretended, &example()), &instance.rekor);
    assert!(!verified, "another log's under this one's name");
    assert_eq!((&promised["logID"], &promised["integratedTime"]), (&hex(&instance.rekor.id()).into(), &5.into()));
}

#[test]
fn a_manifest_has_what_cosign_stores() {
    let instance = Instance::new("sigstore");
    for kind in KINDS {
        let minted = instance.sign(&Leaf { kind, ..Leaf::default() }, &example());
        let manifest: Value = serde_json::from_slice(&manifest(std::slice::from_ref(&minted))).unwrap();
        let layer = &manifest["layers"][0];
        assert_eq!(layer["digest"], format!("sha256:{}", hex(&Sha256::digest(example()))));
        assert_eq!(layer["size"], example().len());
        let annotation = |name: &str| layer["annotations"][name].as_str().unwrap();
        let certificate = Certificate::from_pem(annotation(signature::CERTIFICATE)).unwrap();
        let public = certificate.tbs_certificate().subject_public_key_info().to_der().unwrap();
        let made = Base64::decode_vec(annotation(signature::SIGNATURE)).unwrap();
        assert!(verifies(&public, &example(), &made, false), "{kind:?}");
        assert_eq!(annotation(signature::CHAIN), instance.chain_pem(), "{kind:?}");
    }
    let bare = Layer { certificate: None, chain: None, ..instance.sign(&Leaf::default(), &example()) };
    let annotations = bare.descriptor()["annotations"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(annotations, [signature::SIGNATURE, signature::BUNDLE]);
}

#[test]
fn a_trusted_root_has_the_keys() {
    let instance = Instance { ct_period: (0, Some(951_782_400)), ..Instance::of_kind(Kind::P384, "sigstore") };
    let root = instance.trusted_root();
    let raw = |pointer: &str| Base64::decode_vec(root.pointer(pointer).unwrap().as_str().unwrap()).unwrap();
    assert_eq!(raw("/tlogs/0/publicKey/rawBytes"), instance.rekor.public());
    assert_eq!(raw("/tlogs/0/logId/keyId"), instance.rekor.id());
    assert_eq!(raw("/ctlogs/0/publicKey/rawBytes"), instance.ct.public());
    assert_eq!(raw("/certificateAuthorities/0/certChain/certificates/0/rawBytes"), instance.intermediate.der);
    assert_eq!(raw("/certificateAuthorities/0/certChain/certificates/1/rawBytes"), instance.root.der);
    let period = &root["ctlogs"][0]["publicKey"]["validFor"];
    assert_eq!((&period["start"], &period["end"]), (&"1970-01-01T00:00:00Z".into(), &"2000-02-29T00:00:00Z".into()));
    assert_eq!(root["certificateAuthorities"][0]["validFor"].get("end"), None);
}

#[test]
fn numbers_are_written_as_der_has_them() {
    let rows: &[(Vec<u8>, &str, &str)] = &[
        (der::integer(&[0]), "020100", "zero has a digit"),
        (der::integer(&[0, 0x7f]), "02017f", "without zeros before it"),
        (der::integer(&[0x80]), "02020080", "not negative"),
        (der::oid("2.5.29.15"), "0603551d0f", "two arcs in a byte"),
        (der::oid("1.3.6.1.4.1.57264.1.8"), "060a2b0601040183bf300108", "an arc of three bytes"),
        (der::oid("1.0.0"), "06022800", "an arc of zero"),
        (der::flags(&[0]), "03020780", "one bit"),
        (der::flags(&[5, 6]), "03020106", "two bits"),
        (der::flags(&[7, 8]), "0303070180", "in two bytes"),
        (der::flags(&[]), "030100", "no bit"),
        (der::time(2_524_607_999), "170d3439313233313233353935395a", "the last with two digits"),
        (der::time(2_524_608_000), "180f32303530303130313030303030305a", "the first with four"),
        (der::tlv(4, &[0; 128])[..3].to_vec(), "048180", "a length of its own byte"),
        (der::tlv(4, &[0; 256])[..4].to_vec(), "04820100", "of two"),
    ];
    for (written, expected, reason) in rows {
        assert_eq!(hex(written), *expected, "{reason}");
    }
    assert_eq!(
        log::canonical(&serde_json::json!({"b": [1, {"d": "\"", "c": null}], "a": 2})),
        r#"{"a":2,"b":[1,{"c":null,"d":"\""}]}"#
    );
    assert_ne!(authority::serial("a"), authority::serial("b"));
}

#[test]
fn minted_twice_it_is_the_same() {
    let mint = || {
        let instance = Instance::new("sigstore");
        let layers = KINDS.map(|kind| instance.sign(&Leaf { kind, ..Leaf::of_workflow() }, &example()));
        (manifest(&layers), instance.trusted_root().to_string())
    };
    assert_eq!(mint(), mint());
    assert_ne!(Instance::new("a").chain_pem(), Instance::new("b").chain_pem());
}
