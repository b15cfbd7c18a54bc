//! Signatures whose certificate, or its authority, is wrong in one way.

use super::rows::*;
use super::{
    Row,
    Says::{No, Yes},
};
use crate::mint::leaf::{ISSUER_V1, ISSUER_V2};
use crate::mint::{Authority, CODE_SIGNING, Ca, Extension, ISSUED, Instance, Issuer, Layer, Leaf};

/// Rows with an error in the authorities of a certificate.
pub(super) fn authorities() -> Vec<Row> {
    let theirs = |authority| leaf(Leaf { issuer: Issuer::Authority(authority), ..alice() });
    let unknown = |reason, here, mint| Row::new(reason, here, No(CHAIN), No(CHAIN_3), mint);
    // An instance whose intermediate stands below ours.
    let below = |ca: Ca| {
        let name = "below".to_owned();
        Instance { intermediate: ours().intermediate.sub_ca(&Ca { name, ..ca }), ..ours() }
    };
    let changed = |name: &str, root: fn(Ca) -> Ca, intermediate: fn(Ca) -> Ca| {
        Instance::of(name, &root(Instance::root_of(name)), &intermediate(Instance::intermediate_of(name)))
    };
    let same = |ca: Ca| ca;
    let ended = |ca: Ca| Ca { not_after: ISSUED + 30, ..ca };
    let deep = changed("deep", same, |ca| Ca { path_len: Some(1), ..ca });
    let of_deep: Authority = deep.sub_ca("allowed", Some(0));
    let had_ended = No("issuing CA certificate expired before observed time");
    let alices = || leaf(alice());
    vec![
        unknown("another authority", "certificate-path", theirs(Instance::new("theirs").intermediate)),
        unknown(
            "another authority of the same names",
            "certificate-path",
            theirs(Instance::impostor("ours").intermediate),
        ),
        unknown("signed by itself", "certificate-path", leaf(Leaf { issuer: Issuer::Itself, ..alice() })),
        unknown("an authority that only the signature brings", "certificate-path", theirs(of_deep.clone()))
            .trusting(deep.clone()),
        Row::new("below an authority that may have one below", "proven", Yes, Yes, alices())
            .trusting(Instance { intermediate: of_deep, ..deep }),
        Row::new(
            "below an authority that may have none below",
            "certificate-path",
            No("x509: too many intermediates for path length constraint"),
            No(CHAIN_3),
            alices(),
        )
        .trusting(below(Ca::default())),
        Row::new("an authority that is none", "settings", No(NO_PARENT), No(CHAIN_3), alices()).trusting(changed(
            "none",
            same,
            |ca| Ca { is_ca: false, path_len: None, ..ca },
        )),
        Row::new("an authority that may not sign certificates", "settings", No(NO_PARENT), No(CHAIN_3), alices())
            .trusting(changed("may not", same, |ca| Ca { cert_sign: false, ..ca })),
        Row::new(
            "an authority for another purpose",
            "settings",
            No("x509: certificate specifies an incompatible key usage"),
            No(CHAIN_3),
            alices(),
        )
        .trusting(changed("purpose", same, |ca| Ca { purposes: vec!["1.3.6.1.5.5.7.3.1"], ..ca })),
        Row::new("an authority for no purpose", "proven", Yes, Yes, alices()).trusting(changed(
            "no purpose",
            same,
            |ca| Ca { purposes: vec![], ..ca },
        )),
        Row::new("the intermediate had ended", "certificate-path", Yes, had_ended, alices())
            .trusting(changed("ended", same, ended)),
        Row::new("the root had ended", "certificate-path", Yes, had_ended, alices()).trusting(changed(
            "root ended",
            ended,
            same,
        )),
        Row::new("of an authority that was not trusted any more", "certificate-path", Yes, No(CHAIN_3), alices())
            .trusting(Instance { authority_period: (0, Some(ISSUED - 1)), ..ours() }),
    ]
}

/// Rows with an error in the certificate.
pub(super) fn certificates() -> Vec<Row> {
    let row = |reason, here, asked| Row::new(reason, here, Yes, Yes, leaf(asked));
    let extended = |extension| Leaf { extensions: vec![extension], ..alice() };
    let other_v1 = Extension::new(ISSUER_V1, b"https://other.example.com".to_vec());
    let other_v2 = Extension::new(ISSUER_V2, [&[0x0c, 25], &b"https://other.example.com"[..]].concat());
    let critical = No("cert verification failed: x509: unhandled critical extension");
    let purpose = No("cert verification failed: x509: certificate specifies an incompatible key usage");
    let tls = "1.3.6.1.5.5.7.3.1";
    let trailing = No("x509: trailing data");
    vec![
        row("for no purpose", "certificate-purpose", Leaf { purposes: vec![], ..alice() }),
        Row::new(
            "for another purpose",
            "certificate-purpose",
            purpose,
            No(CHAIN_3),
            leaf(Leaf { purposes: vec![tls], ..alice() }),
        ),
        row("for two purposes", "proven", Leaf { purposes: vec![tls, CODE_SIGNING], ..alice() }),
        row("not for signatures", "certificate-purpose", Leaf { digital_signature: false, ..alice() }),
        row("a leaf that is an authority", "certificate-path", Leaf { is_ca: true, ..alice() }),
        Row::new(
            "an extension that nobody knows, and has to",
            "certificate-path",
            critical,
            No(CHAIN_3),
            leaf(extended(Extension::critical("1.2.3.4.5", vec![5, 0]))),
        ),
        row("an extension that nobody knows", "proven", extended(Extension::new("1.2.3.4.5", vec![5, 0]))),
        Row::new(
            "the issuer twice in the first form",
            "certificate-form",
            No(TWICE),
            No(TWICE),
            leaf(extended(other_v1)),
        ),
        Row::new(
            "the issuer twice in the second form",
            "certificate-form",
            No(TWICE),
            No(TWICE),
            leaf(extended(other_v2)),
        ),
        Row::new(
            "bytes after the certificate",
            "certificate-form",
            trailing,
            trailing,
            leaf(Leaf { trailing: vec![5, 0], ..alice() }),
        ),
        Row::new(
            "two certificates",
            "certificate-form",
            Yes,
            Yes,
            changed(|layer, ours, _| {
                let both = layer.certificate.clone().unwrap() + &ours.issue(&mallory()).pem();
                Layer { certificate: Some(both), ..layer }
            }),
        ),
        Row::new(
            "two certificates, another's first",
            "certificate-form",
            No(OTHER_PEM),
            No(OTHER_PEM),
            changed(|layer, ours, _| {
                let both = ours.issue(&mallory()).pem() + layer.certificate.as_ref().unwrap();
                Layer { certificate: Some(both), ..layer }
            }),
        ),
        Row::new(
            "a chain that is none",
            "certificate-chain",
            No("error during PEM decoding"),
            No("error during PEM decoding"),
            changed(|layer, _, _| Layer { chain: Some("none".to_owned()), ..layer }),
        ),
    ]
}
