//! What OCSP servers answer about signers of Notation: answers that are right, and others that are wrong in one way each.

use image_trust_testbed::mint::{
    Authority, CODE_SIGNING, Ca, Extension, ISSUED, Key, Stamp, Tsa, authority, der,
    evidence::{self, Item},
    notation::{
        self, NotationLeaf, RevocationList, distribution_points, list_item, only_from, token_of, unknown_extension,
    },
    ocsp::{
        Delegate, DelegateTerms, OCSP_SIGNING, OCSP_URL, OcspResponse, Status, no_check, ocsp_server, response_item,
        without_an_answer,
    },
};

use super::{
    Minted,
    notation::{CA, DAY, short, sign, signer, stamp},
};

/// A time-stamping authority whose certificate names an OCSP server.
pub(super) fn tsa() -> Tsa {
    Tsa::revocable("ocsp notation", ocsp_server(OCSP_URL))
}

/// What OCSP servers answer about a certificate that names one.
pub(super) fn responses() -> Vec<Minted> {
    let ocsp_leaf =
        || NotationLeaf { name: "notation ocsp", extensions: vec![ocsp_server(OCSP_URL)], ..NotationLeaf::default() };
    let signed = || sign(signer(ocsp_leaf())).item();
    let with = |name, items: Vec<Item>| (name, evidence::manifest(&[vec![signed()], items].concat()));
    let good = OcspResponse::default;
    let revoked = || OcspResponse { status: Status::Revoked, ..good() };
    let by_ca = |response: OcspResponse| response_item(response.signed_by(&CA));
    let says = |name, response: OcspResponse| with(name, vec![by_ca(response)]);
    let mallory = || Authority { key: Key::p256("mallory"), ..CA.clone() };
    let delegate = |terms: DelegateTerms| Delegate::of(&CA, &terms);
    let by_delegate = |response: OcspResponse, terms| response_item(response.signed_for(&CA, &delegate(terms)));
    let delegated = |name, terms: DelegateTerms| with(name, vec![by_delegate(good(), terms)]);
    let invalid_since = |time: u64| Extension::new("2.5.29.24", der::tlv(0x18, der::generalized(time).as_bytes()));
    let stamped = |name, since: u64| {
        let signed = sign(signer(ocsp_leaf())).stamped(|bytes| stamp(bytes, ISSUED + 60)).item();
        let response = OcspResponse { single_extensions: vec![invalid_since(since)], ..revoked() };
        (name, evidence::manifest(&[signed, by_ca(response)]))
    };
    // A list about the responder, and about none of the other certificates.
    let responders_url = "http://crl.example.com/responders.crl";
    let responders = |revoked: Vec<(&'static str, Vec<Extension>)>| {
        let list = RevocationList { revoked, extensions: vec![only_from(responders_url)], ..RevocationList::default() };
        list_item(list.signed_by(&CA))
    };
    let listed = || DelegateTerms { extensions: vec![distribution_points(responders_url)], ..DelegateTerms::default() };
    let list = |names: &[&'static str]| {
        let revoked = names.iter().map(|name| (*name, Vec::new())).collect();
        list_item(RevocationList { revoked, ..RevocationList::default() }.signed_by(&CA))
    };
    let sub_ca = CA.sub_ca(&Ca {
        name: "notation ocsp sub ca".to_owned(),
        not_after: ISSUED + 26_000 * DAY,
        extensions: vec![ocsp_server(OCSP_URL)],
        ..Ca::default()
    });
    let below = |items: &[Item]| {
        let signed = sign(notation::signer(&sub_ca, &ocsp_leaf())).item();
        evidence::manifest(&[&[signed, response_item(good().signed_by(&sub_ca))], items].concat())
    };
    let stamped_by = |name, status: Status| {
        let tsa = tsa();
        let token =
            |bytes: &[u8]| token_of(&tsa.answer(&Stamp { certificates: vec![tsa.der.clone()], ..Stamp::of(bytes) }));
        let response = OcspResponse { about: "ocsp notation tsa", status, ..good() };
        let items = [sign(short()).stamped(token).item(), response_item(response.signed_by(&tsa.ca))];
        (name, evidence::manifest(&items))
    };
    let extended = |critical: bool| vec![unknown_extension(critical)];
    let at = |n: u64| OcspResponse { produced_at: ISSUED + n, ..good() };
    vec![
        with("notation-ocsp", Vec::new()),
        says("notation-ocsp-good", good()),
        says("notation-ocsp-good-by-sha256", OcspResponse { is_sha256: true, names_key: true, ..good() }),
        delegated("notation-ocsp-good-by-delegate", DelegateTerms::default()),
        with("notation-ocsp-good-by-key-of-delegate", {
            let response = OcspResponse { names_key: true, certificates: vec![CA.der.clone()], ..good() };
            vec![by_delegate(response, DelegateTerms::default())]
        }),
        delegated(
            "notation-ocsp-by-delegate-without-revocation",
            DelegateTerms { extensions: Vec::new(), ..DelegateTerms::default() },
        ),
        delegated("notation-ocsp-by-unlisted-delegate", listed()),
        with("notation-ocsp-by-listed-delegate", vec![by_delegate(good(), listed()), responders(Vec::new())]),
        with("notation-ocsp-by-revoked-delegate", {
            let extensions = vec![distribution_points(responders_url), no_check()];
            let terms = DelegateTerms { extensions, ..DelegateTerms::default() };
            vec![by_delegate(good(), terms), responders(vec![("ocsp responder", Vec::new())])]
        }),
        ("notation-ocsp-below-another-ca", {
            below(&[by_ca(OcspResponse { about: "notation ocsp sub ca", ..good() })])
        }),
        ("notation-ocsp-below-an-unknown-ca", below(&[])),
        ("notation-ocsp-below-a-revoked-ca", {
            below(&[by_ca(OcspResponse { about: "notation ocsp sub ca", ..revoked() })])
        }),
        says("notation-ocsp-revoked", revoked()),
        with("notation-ocsp-revoked-by-delegate", vec![by_delegate(revoked(), DelegateTerms::default())]),
        with("notation-ocsp-revoked-by-one-response", vec![by_ca(good()), by_ca(revoked())]),
        with("notation-ocsp-revoked-and-not-listed", vec![by_ca(revoked()), list(&[])]),
        with("notation-ocsp-good-and-listed", vec![by_ca(good()), list(&["notation ocsp"])]),
        with("notation-ocsp-unknown-and-not-listed", {
            vec![by_ca(OcspResponse { status: Status::Unknown, ..good() }), list(&[])]
        }),
        stamped("notation-ocsp-revoked-after-signing", ISSUED + DAY),
        stamped("notation-ocsp-revoked-before-signing", ISSUED),
        says("notation-ocsp-unknown", OcspResponse { status: Status::Unknown, ..good() }),
        says("notation-ocsp-expired", OcspResponse { next_update: Some(ISSUED + DAY), ..good() }),
        says("notation-ocsp-without-an-end", OcspResponse { next_update: None, ..good() }),
        says("notation-ocsp-of-tomorrow", OcspResponse { this_update: ISSUED + 25_000 * DAY, ..good() }),
        says("notation-ocsp-of-another-certificate", OcspResponse { about: "notation alice", ..good() }),
        // The key answers for another CA too: the same number there is another certificate.
        says(
            "notation-ocsp-of-another-issuer",
            OcspResponse { issuer: Some(notation::authority("another")), ..good() },
        ),
        says("notation-ocsp-of-the-same-name", OcspResponse { issuer: Some(mallory()), ..good() }),
        with("notation-ocsp-by-the-same-name", vec![response_item(good().signed_by(&mallory()))]),
        says("notation-ocsp-by-a-stranger", OcspResponse { key: Some(Key::p256("mallory")), ..good() }),
        with("notation-ocsp-by-a-copied-delegate", {
            vec![by_delegate(OcspResponse { key: Some(Key::p256("mallory")), ..good() }, DelegateTerms::default())]
        }),
        with("notation-ocsp-by-delegate-of-another-ca", {
            let delegate = Delegate::of(&mallory(), &DelegateTerms::default());
            vec![response_item(good().signed_for(&CA, &delegate))]
        }),
        with("notation-ocsp-by-delegate-of-a-sub-ca", {
            let delegate = Delegate::of(&sub_ca, &DelegateTerms::default());
            vec![response_item(
                OcspResponse { certificates: vec![sub_ca.der.clone()], ..good() }.signed_for(&CA, &delegate),
            )]
        }),
        delegated(
            "notation-ocsp-by-delegate-without-purpose",
            DelegateTerms { purposes: Vec::new(), ..DelegateTerms::default() },
        ),
        delegated(
            "notation-ocsp-by-delegate-for-anything",
            DelegateTerms { purposes: vec!["2.5.29.37.0", CODE_SIGNING], ..DelegateTerms::default() },
        ),
        delegated(
            "notation-ocsp-by-delegate-that-may-not-sign",
            DelegateTerms { usages: vec![2], ..DelegateTerms::default() },
        ),
        delegated("notation-ocsp-by-a-ca-as-delegate", {
            let is_ca = Extension::critical("2.5.29.19", der::sequence([der::boolean(true)]));
            DelegateTerms {
                purposes: vec![OCSP_SIGNING],
                extensions: vec![is_ca, no_check()],
                ..DelegateTerms::default()
            }
        }),
        delegated("notation-ocsp-by-delegate-with-an-unknown-extension", {
            DelegateTerms { extensions: vec![no_check(), unknown_extension(true)], ..DelegateTerms::default() }
        }),
        delegated("notation-ocsp-by-an-expired-delegate", {
            DelegateTerms { validity: (ISSUED, ISSUED + DAY), ..DelegateTerms::default() }
        }),
        with("notation-ocsp-by-a-later-delegate", {
            let terms = DelegateTerms { validity: (ISSUED + 120, ISSUED + 26_000 * DAY), ..DelegateTerms::default() };
            vec![by_delegate(good(), terms)]
        }),
        says("notation-ocsp-with-an-extension", {
            OcspResponse { extensions: extended(false), single_extensions: extended(false), ..good() }
        }),
        says("notation-ocsp-with-a-nonce", {
            let nonce = Extension::critical("1.3.6.1.5.5.7.48.1.2", der::tlv(der::OCTETS, b"nonce"));
            OcspResponse { extensions: vec![nonce], ..good() }
        }),
        says("notation-ocsp-with-an-unknown-extension", OcspResponse { extensions: extended(true), ..good() }),
        says("notation-ocsp-with-an-answer-with-an-unknown-extension", {
            OcspResponse { single_extensions: extended(true), ..good() }
        }),
        says("notation-ocsp-with-another-status", OcspResponse { code: 3, ..good() }),
        says("notation-ocsp-of-another-type", OcspResponse { kind: "1.3.6.1.4.1.99999.2", ..good() }),
        with("notation-ocsp-by-delegate-of-another-name", {
            let response = OcspResponse { responder: Some(authority::name("somebody else")), ..good() };
            vec![by_delegate(response, DelegateTerms::default())]
        }),
        with("notation-ocsp-try-later", vec![response_item(without_an_answer(3))]),
        with("notation-ocsp-that-is-none", vec![response_item(b"no response".to_vec())]),
        says("notation-ocsp-with-six-certificates", OcspResponse { certificates: vec![CA.der.clone(); 6], ..good() }),
        says("notation-ocsp-that-is-huge", {
            let padding = Extension { value: vec![0; 16 * 1024], ..unknown_extension(false) };
            OcspResponse { extensions: vec![padding], ..good() }
        }),
        with("notation-ocsp-among-others", {
            // Those about other certificates, of other issuers, by strangers and of yesterday take no place.
            let others = (0..22).flat_map(|n| {
                [
                    response_item(OcspResponse { about: "notation bob", ..at(n) }.signed_by(&mallory())),
                    response_item(at(n).signed_by(&notation::authority("another"))),
                    by_ca(OcspResponse { next_update: Some(ISSUED + DAY), ..at(n) }),
                    response_item(
                        at(n)
                            .signed_for(&CA, &Delegate::of(&notation::authority("another"), &DelegateTerms::default())),
                    ),
                ]
            });
            others.chain([by_ca(good())]).collect()
        }),
        with("notation-ocsp-among-forged", {
            let forged = (0..90).map(|n| by_ca(OcspResponse { key: Some(Key::p256("mallory")), ..at(n) }));
            forged.chain([by_ca(good())]).collect()
        }),
        stamped_by("notation-stamped-by-an-authority-with-ocsp", Status::Good),
        stamped_by("notation-stamped-by-an-authority-revoked-with-ocsp", Status::Revoked),
    ]
}
