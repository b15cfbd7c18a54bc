//! Signatures of Notation that are right, and others that are wrong in one way each.

use std::sync::LazyLock;

use image_trust_testbed::mint::{
    Authority, Bundle, CODE_SIGNING, Ca, Extension, ISSUED, Key, Kind, Stamp, Tsa,
    bundle::Signer,
    der,
    evidence::{self, Item},
    notation::{
        self, Attribute, CRL_URL, Envelope, NotationLeaf, NotationSigner, RevocationList, distribution_points,
        list_item, only_from, token_of, unknown_extension,
    },
    timestamp::TIME_STAMPING,
};
use serde_json::json;

use super::{Minted, bundles::json_of, digest};

pub(super) const DAY: u64 = 86_400;

pub(super) static CA: LazyLock<Authority> = LazyLock::new(|| notation::authority("notation ca"));
static TSA: LazyLock<Tsa> = LazyLock::new(|| Tsa::new("notation"));

/// What settings name.
pub(super) fn certificates() -> Vec<(&'static str, String)> {
    vec![
        ("notation-ca.pem", CA.pem()),
        ("notation-alice.pem", der::pem("CERTIFICATE", &alone().chain[0])),
        ("notation-tsa.pem", TSA.ca.pem()),
        ("notation-another-tsa.pem", Tsa::new("another notation").ca.pem()),
        ("notation-revocable-tsa.pem", revocable_tsa().ca.pem()),
        ("notation-ocsp-tsa.pem", super::ocsp::tsa().ca.pem()),
    ]
}

pub(super) fn signer(leaf: NotationLeaf) -> NotationSigner {
    notation::signer(&CA, &leaf)
}

fn alice() -> NotationSigner {
    signer(NotationLeaf::default())
}

/// Somebody without a CA.
fn alone() -> NotationSigner {
    notation::self_signed(&NotationLeaf { name: "notation alone", ..NotationLeaf::default() })
}

/// A signer whose certificate ended after a day.
pub(super) fn short() -> NotationSigner {
    signer(NotationLeaf { name: "notation short", validity: (ISSUED, ISSUED + DAY), ..NotationLeaf::default() })
}

/// A time-stamping authority whose certificate says where revocation is told.
fn revocable_tsa() -> Tsa {
    Tsa::revocable("revocable notation", distribution_points(CRL_URL))
}

/// Two signers whom one CA certified.
pub(super) fn several() -> Vec<Minted> {
    let bob = || {
        let mut leaf = NotationLeaf { name: "notation bob", ..NotationLeaf::default() };
        leaf.subject[3].1 = "bob";
        signer(leaf)
    };
    let again = || signer(NotationLeaf { name: "notation alice again", ..NotationLeaf::default() });
    let both = |name, one: Item, other: Item| (name, evidence::manifest(&[one, other]));
    vec![
        both("notation-by-alice-and-bob", sign(alice()).item(), sign(bob()).item()),
        both("notation-by-bob-and-alice", sign(bob()).item(), sign(alice()).item()),
        both("notation-by-alice-twice", sign(alice()).item(), cose(sign(again())).item()),
    ]
}

/// A signer whose certificate says where revocation is told.
fn revocable() -> NotationSigner {
    let extensions = vec![distribution_points(CRL_URL)];
    signer(NotationLeaf { name: "notation revocable", extensions, ..NotationLeaf::default() })
}

pub(super) fn sign(signer: NotationSigner) -> Envelope {
    Envelope::signing(signer, &digest('1'))
}

fn cose(envelope: Envelope) -> Envelope {
    Envelope { is_cose: true, ..envelope }
}

pub(super) fn stamp(bytes: &[u8], time: u64) -> Vec<u8> {
    let certificates = vec![TSA.der.clone()];
    token_of(&TSA.answer(&Stamp { time: der::generalized(time), certificates, ..Stamp::of(bytes) }))
}

fn one(name: &'static str, envelope: &Envelope) -> Minted {
    (name, evidence::manifest(&[envelope.item()]))
}

/// An envelope and the text of it in which something was replaced.
fn rewritten(envelope: &Envelope, from: &str, to: &str) -> Item {
    let text = String::from_utf8(envelope.bytes()).unwrap();
    assert!(text.contains(from), "{from} is not in {text}");
    Item { bytes: text.replacen(from, to, 1).into_bytes(), ..envelope.item() }
}

/// Signatures that count.
pub(super) fn good() -> Vec<Minted> {
    let kind = |kind| signer(NotationLeaf { name: "notation kinds", kind, ..NotationLeaf::default() });
    let below =
        CA.sub_ca(&Ca { name: "notation sub ca".to_owned(), not_after: ISSUED + 26_000 * DAY, ..Ca::default() });
    let aws = || {
        let attribute = |name: &str| name.to_owned();
        sign(alice())
            .by_authority(ISSUED + 60)
            .with(
                "io.cncf.notary.verificationPlugin",
                Attribute::Text(attribute("com.amazonaws.signer.notation.plugin")),
            )
            .with(
                "com.amazonaws.signer.signingProfileVersion",
                Attribute::Text(attribute("arn:aws:signer:us-west-2:111122223333:/signing-profiles/release/abc123")),
            )
            .with(
                "com.amazonaws.signer.signingJob",
                Attribute::Text(attribute("arn:aws:signer:us-west-2:111122223333:/signing-jobs/1")),
            )
            .critical("io.cncf.notary.verificationPlugin")
            .critical("com.amazonaws.signer.signingProfileVersion")
            .critical("com.amazonaws.signer.signingJob")
    };
    let garbage = |n: usize| Item { bytes: format!("garbage {n}").into_bytes(), ..sign(alice()).item() };
    let stranger = notation::signer(&notation::authority("stranger"), &NotationLeaf::default());
    let above_the_stranger = [stranger.chain.clone(), vec![CA.der.clone()]].concat();
    let strangers = (0..11).map(|n| sign(stranger.clone()).annotated(&json!({"n": n.to_string()})));
    let strangers: Vec<Item> = strangers.map(|it| it.chained(above_the_stranger.clone()).item()).collect();
    vec![
        one("notation-jws", &sign(alice())),
        one("notation-cose", &cose(sign(alice()))),
        one("notation-p384", &cose(sign(kind(Kind::P384Wide)))),
        one("notation-p521", &sign(kind(Kind::P521Wide))),
        one("notation-rsa", &cose(sign(kind(Kind::Rsa2048)))),
        one("notation-alone", &sign(alone())),
        one("notation-below-another-ca", &sign(notation::signer(&below, &NotationLeaf::default()))),
        one("notation-annotated", &sign(alice()).annotated(&json!({"stage": "prod", "by": "ci"}))),
        one("notation-expiring-later", &cose(sign(alice()).expiring(ISSUED + 26_000 * DAY))),
        one("notation-stamped", &cose(sign(short())).stamped(|bytes| stamp(bytes, ISSUED + 60))),
        one("notation-stamped-jws", &sign(short()).stamped(|bytes| stamp(bytes, ISSUED + 60))),
        one("notation-by-authority", &cose(sign(short()).by_authority(ISSUED + 60))),
        one("notation-aws", &aws()),
        one("notation-aws-cose", &cose(aws())),
        (
            "notation-among-others",
            evidence::manifest(&[vec![garbage(1)], strangers, vec![sign(alice()).item()]].concat()),
        ),
    ]
}

/// Envelopes that are not right.
pub(super) fn envelopes() -> Vec<Minted> {
    let right = || sign(alice());
    let cty = |text: &str| right().with("cty", Attribute::Text(text.to_owned()));
    let payload = |text: &str| Envelope { payload: text.as_bytes().to_vec(), ..right() };
    let raw = |name, item: Item| (name, evidence::manifest(&[item]));
    let only = |names: &[&str]| Attribute::Names(names.iter().map(|name| (*name).to_owned()).collect());
    let trailing = Item { bytes: [cose(right()).bytes(), vec![0]].concat(), ..cose(right()).item() };
    let attribute = || right().with("com.example.attribute", Attribute::Text("1".to_owned()));
    vec![
        one("notation-of-another-image", &Envelope::signing(alice(), &digest('2'))),
        one("notation-expired", &cose(right().expiring(ISSUED + DAY))),
        one("notation-expiring-before-signing", &right().expiring(ISSUED)),
        one("notation-with-another-algorithm", &right().with("alg", Attribute::Text("ES384".to_owned()))),
        one("notation-with-another-signature", &Envelope { signed: Some(b"something else".to_vec()), ..right() }),
        one("notation-with-another-type", &cty("application/json")),
        one("notation-with-no-payload", &payload("{}")),
        one("notation-with-a-payload-that-is-none", &payload("sha256")),
        one("notation-with-an-unknown-attribute", &attribute().critical("com.example.attribute")),
        one("notation-with-an-unknown-attribute-cose", &cose(attribute().critical("com.example.attribute"))),
        one("notation-with-an-attribute-that-is-not-critical", &attribute()),
        one("notation-with-a-critical-name-and-no-attribute", &right().critical("com.example.attribute")),
        one(
            "notation-with-a-critical-name-twice",
            &right().critical("io.cncf.notary.expiry").critical("io.cncf.notary.expiry"),
        ),
        one(
            "notation-of-a-file",
            &payload(&format!(
                r#"{{"targetArtifact":{{"mediaType":"application/octet-stream","digest":"{}","size":7}}}}"#,
                digest('1')
            )),
        ),
        one(
            "notation-with-a-plugin-that-is-not-critical",
            &right().with("io.cncf.notary.verificationPlugin", Attribute::Text("com.example.plugin".to_owned())),
        ),
        one("notation-with-nothing-critical", &right().with("crit", only(&[]))),
        one(
            "notation-with-an-expiry-that-is-not-critical",
            &right().with("expiry", Attribute::Time(ISSUED + 26_000 * DAY)),
        ),
        one("notation-with-another-scheme", &right().with("signingScheme", Attribute::Text("notary.x510".to_owned()))),
        one(
            "notation-by-authority-without-its-time",
            &right().by_authority(ISSUED + 60).without("authenticSigningTime"),
        ),
        one(
            "notation-by-authority-with-two-times",
            &right().by_authority(ISSUED + 60).with("signingTime", Attribute::Time(ISSUED)),
        ),
        raw("notation-with-a-member-twice", rewritten(&right(), r#"{"header""#, r#"{"header":{},"header""#)),
        raw("notation-with-another-member", rewritten(&right(), r#"{"header""#, r#"{"more":1,"header""#)),
        raw("notation-with-trailing-bytes", trailing),
        raw("notation-jws-as-cose", Item { media_type: "application/cose", ..right().item() }),
        raw("notation-with-no-certificates", sign(NotationSigner { chain: Vec::new(), ..alice() }).item()),
        ("notation-beside-a-bundle", {
            let bundle = Bundle::signing(Signer::Key(Key::p256("alice")), &digest('1'));
            evidence::manifest(&[Item::bundle(&json_of(&bundle))])
        }),
    ]
}

/// Chains that are not right.
pub(super) fn chains() -> Vec<Minted> {
    let leaf = |change: &dyn Fn(&mut NotationLeaf)| {
        let mut leaf = NotationLeaf { name: "notation odd", ..NotationLeaf::default() };
        change(&mut leaf);
        sign(signer(leaf))
    };
    let purposes = |name, purposes: &[&'static str]| {
        one(name, &leaf(&|leaf: &mut NotationLeaf| leaf.purposes = purposes.to_vec()))
    };
    let below = |ca: Ca| {
        let ca = CA.sub_ca(&Ca { not_after: ISSUED + 26_000 * DAY, ..ca });
        sign(notation::signer(&ca, &NotationLeaf::default()))
    };
    let named = |name: &str| Ca { name: name.to_owned(), ..Ca::default() };
    let chain = |change: &dyn Fn(&mut Vec<Vec<u8>>)| {
        let mut chain = alice().chain;
        change(&mut chain);
        sign(alice()).chained(chain)
    };
    let two_deep = {
        let one = CA.sub_ca(&Ca { not_after: ISSUED + 26_000 * DAY, ..named("notation short path") });
        let two = one.sub_ca(&Ca { not_after: ISSUED + 26_000 * DAY, ..named("notation too deep") });
        sign(notation::signer(&two, &NotationLeaf::default()))
    };
    let impostor = notation::signer(&notation::authority("impostor"), &NotationLeaf::default());
    vec![
        one(
            "notation-by-a-stranger",
            &sign(notation::signer(&notation::authority("stranger"), &NotationLeaf::default())),
        ),
        one("notation-by-bob", &leaf(&|leaf| leaf.subject[3].1 = "bob")),
        one("notation-by-two-units", &leaf(&|leaf| leaf.subject.extend([("2.5.4.11", "a"), ("2.5.4.11", "b")]))),
        one("notation-with-usages-that-are-not-critical", &leaf(&|leaf| leaf.has_critical_usages = false)),
        one("notation-that-may-certify", &leaf(&|leaf| leaf.usages = vec![0, 5])),
        one("notation-that-may-not-sign", &leaf(&|leaf| leaf.usages = vec![1])),
        one("notation-that-may-encrypt", &leaf(&|leaf| leaf.usages = vec![0, 2])),
        purposes("notation-for-servers", &[CODE_SIGNING, "1.3.6.1.5.5.7.3.1"]),
        purposes("notation-for-timestamps", &[TIME_STAMPING]),
        purposes("notation-for-anything", &["2.5.29.37.0"]),
        purposes("notation-for-ocsp", &["1.3.6.1.5.5.7.3.9"]),
        purposes("notation-for-something-private", &["1.3.6.1.4.1.311.97.1"]),
        purposes("notation-for-no-purpose", &[]),
        one("notation-with-an-unknown-extension", &leaf(&|leaf| leaf.extensions = vec![unknown_extension(true)])),
        one(
            "notation-by-a-ca",
            &leaf(&|leaf| {
                leaf.extensions = vec![Extension::critical("2.5.29.19", der::sequence([der::boolean(true)]))];
            }),
        ),
        one("notation-below-no-ca", &below(Ca { is_ca: false, path_len: None, ..named("notation no ca") })),
        one("notation-below-a-ca-that-may-not", &below(Ca { cert_sign: false, ..named("notation ca that may not") })),
        one("notation-below-a-short-path", &two_deep),
        one("notation-with-the-chain-turned-round", &chain(&|chain| chain.reverse())),
        one("notation-with-half-a-chain", &chain(&|chain| chain.truncate(1))),
        one("notation-with-a-stranger-in-the-chain", &chain(&|chain| chain.push(impostor.chain[1].clone()))),
        one(
            "notation-with-a-trusted-certificate-appended",
            &sign(impostor.clone()).chained([impostor.chain.clone(), vec![CA.der.clone()]].concat()),
        ),
        one("notation-with-a-short-certificate", &sign(short())),
        one(
            "notation-with-a-certificate-of-tomorrow",
            &leaf(&|leaf| leaf.validity = (ISSUED + 25_000 * DAY, ISSUED + 26_000 * DAY)),
        ),
    ]
}

/// Timestamps that do not count.
pub(super) fn timestamps() -> Vec<Minted> {
    let stamped = |name, make: &dyn Fn(&[u8]) -> Vec<u8>| one(name, &sign(short()).stamped(make));
    let answer = |stamp: Stamp| token_of(&TSA.answer(&Stamp { certificates: vec![TSA.der.clone()], ..stamp }));
    let old = Tsa::valid("old notation", (ISSUED - 2 * DAY, ISSUED - DAY));
    vec![
        stamped("notation-stamped-too-late", &|bytes| stamp(bytes, ISSUED + 2 * DAY)),
        stamped("notation-stamped-too-early", &|bytes| stamp(bytes, ISSUED - 60)),
        stamped("notation-stamped-for-another", &|_| stamp(b"another signature", ISSUED + 60)),
        stamped("notation-stamped-by-nobody", &|_| b"no token".to_vec()),
        stamped("notation-stamped-with-a-whole-response", &|bytes| TSA.stamp(bytes, ISSUED + 60)),
        stamped("notation-stamped-without-a-certificate", &|bytes| token_of(&TSA.stamp(bytes, ISSUED + 60))),
        stamped("notation-stamped-with-another-key", &|bytes| {
            answer(Stamp { key: Some(Key::p256("mallory")), ..Stamp::of(bytes) })
        }),
        stamped("notation-stamped-by-an-old-authority", &|bytes| {
            token_of(&old.answer(&Stamp { certificates: vec![old.der.clone()], ..Stamp::of(bytes) }))
        }),
        ("notation-stamped-by-a-revoked-authority", {
            // The authority's own time lies before the time since when it is not believed.
            let since = Extension::new("2.5.29.24", der::tlv(0x18, der::generalized(ISSUED + DAY).as_bytes()));
            let tsa = revocable_tsa();
            let list =
                RevocationList { revoked: vec![("revocable notation tsa", vec![since])], ..RevocationList::default() };
            let token = |bytes: &[u8]| {
                token_of(&tsa.answer(&Stamp { certificates: vec![tsa.der.clone()], ..Stamp::of(bytes) }))
            };
            evidence::manifest(&[sign(short()).stamped(token).item(), list_item(list.signed_by(&tsa.ca))])
        }),
        one("notation-by-authority-too-late", &sign(short()).by_authority(ISSUED + 2 * DAY)),
    ]
}

/// What CAs tell about revoked certificates.
pub(super) fn revocations() -> Vec<Minted> {
    let with = |name, list: &RevocationList| {
        (name, evidence::manifest(&[sign(revocable()).item(), list_item(list.signed_by(&CA))]))
    };
    let of = |extensions: Vec<Extension>| RevocationList {
        revoked: vec![("notation revocable", extensions)],
        ..RevocationList::default()
    };
    let reason = |reason: u8| Extension::new("2.5.29.21", der::tlv(0x0a, &[reason]));
    let invalid_since = |time: u64| Extension::new("2.5.29.24", der::tlv(0x18, der::generalized(time).as_bytes()));
    let limited = |extensions: Vec<Extension>| RevocationList { extensions, ..RevocationList::default() };
    let stamped_revocable = || sign(revocable()).stamped(|bytes| stamp(bytes, ISSUED + 60));
    let stamped = |name, since: u64| {
        let list = list_item(of(vec![invalid_since(since)]).signed_by(&CA));
        (name, evidence::manifest(&[stamped_revocable().item(), list]))
    };
    let by_another = RevocationList::default().signed_by(&Authority { key: Key::p256("mallory"), ..CA.clone() });
    let mut both = vec![sign(revocable()).item()];
    both.extend([RevocationList::default(), of(Vec::new())].map(|list| list_item(list.signed_by(&CA))));
    vec![
        one("notation-revocable", &sign(revocable())),
        with("notation-not-revoked", &RevocationList::default()),
        with("notation-not-revoked-here", &limited(vec![only_from(CRL_URL)])),
        with("notation-listed-and-removed", &of(vec![reason(8)])),
        with("notation-revoked", &of(Vec::new())),
        with("notation-revoked-for-a-reason", &of(vec![reason(1)])),
        ("notation-revoked-by-one-list", evidence::manifest(&both)),
        with(
            "notation-not-revoked-as-others",
            &limited(vec![Extension::critical("2.5.29.28", der::sequence([der::tlv(0x81, &[0xff])]))]),
        ),
        with(
            "notation-with-a-list-of-cas",
            &limited(vec![Extension::critical("2.5.29.28", der::sequence([der::tlv(0x82, &[0xff])]))]),
        ),
        ("notation-among-forged-lists", {
            let forged = |n: u64| {
                let list = RevocationList { this_update: ISSUED + n, ..RevocationList::default() };
                list_item(list.signed_by(&Authority { key: Key::p256("mallory"), ..CA.clone() }))
            };
            evidence::manifest(&[vec![sign(revocable()).item()], (0..90).map(forged).collect()].concat())
        }),
        stamped("notation-revoked-after-signing", ISSUED + DAY),
        stamped("notation-revoked-before-signing", ISSUED),
        with(
            "notation-with-an-old-list",
            &RevocationList { next_update: Some(ISSUED + DAY), ..RevocationList::default() },
        ),
        with("notation-with-a-list-without-an-end", &RevocationList { next_update: None, ..RevocationList::default() }),
        with(
            "notation-with-a-list-of-tomorrow",
            &RevocationList { this_update: ISSUED + 25_000 * DAY, ..RevocationList::default() },
        ),
        with("notation-with-a-list-from-elsewhere", &limited(vec![only_from("http://crl.example.com/other.crl")])),
        with("notation-with-a-list-of-changes", &limited(vec![Extension::critical("2.5.29.27", der::integer(&[1]))])),
        ("notation-with-a-list-by-another-key", evidence::manifest(&[sign(revocable()).item(), list_item(by_another)])),
        (
            "notation-with-a-list-that-is-none",
            evidence::manifest(&[sign(revocable()).item(), list_item(b"no list".to_vec())]),
        ),
    ]
}
