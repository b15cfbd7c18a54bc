//! Do the laws of `crates/testbed/src/laws` hold for what has gone wrong elsewhere, and for bytes that nobody thought of?

use std::{
    fs,
    path::{Path, PathBuf},
};

use proptest::{prelude::*, sample::Index, test_runner::TestRunner};

use image_trust_testbed::laws::{
    TARGETS, Target,
    asked::is_admitted,
    keyless::{RIGHT, Right},
    mint::{Ca, Entry, Instance, Layer, der},
};

/// Generated inputs of each target; those with certificates and logs take a hundred times as long.
const CASES: u32 = 512;
const KEYLESS_CASES: u32 = 128;

fn corpus(target: &Target) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target.name)
}

/// Every input that is kept for a target.
fn kept(target: &Target) -> Vec<(PathBuf, Vec<u8>)> {
    let files = fs::read_dir(corpus(target)).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.map(|path| (path.clone(), fs::read(path).unwrap())).collect();
    files.sort();
    files
}

/// Without this every law below would hold of a policy that denies everything.
#[test]
fn what_is_right_is_admitted() {
    let mut stale = Vec::new();
    for target in &TARGETS {
        let right = (target.right)();
        assert!((target.law)(&right), "the right {} is not admitted", target.name);
        let kept = corpus(target).join("right");
        if fs::read(&kept).ok().as_ref() != Some(&right) {
            let minted = Path::new(env!("CARGO_TARGET_TMPDIR")).join(target.name);
            fs::write(&minted, right).unwrap();
            stale.push(format!("{} is not what is minted; that is in {}", kept.display(), minted.display()));
        }
    }
    assert!(stale.is_empty(), "{}", stale.join("\n"));
}

#[test]
fn laws_hold_for_the_corpus() {
    for target in &TARGETS {
        let kept = kept(target);
        assert!(kept.len() > 5, "{} has no corpus", target.name);
        for (path, data) in kept {
            let held = std::panic::catch_unwind(|| (target.law)(&data));
            assert!(held.is_ok(), "broken by {}, see above", path.display());
        }
    }
}

/// One change that spoils bytes.
#[derive(Clone, Debug)]
enum Change {
    Flip(Index, u8),
    Truncate(Index),
    Insert(Index, Vec<u8>),
    /// The bytes between both places once more, at a third.
    Repeat(Index, Index, Index),
    Remove(Index, Index),
}

impl Change {
    fn apply(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        let at = |index: &Index| index.index(bytes.len() + 1);
        let between = |one: &Index, other: &Index| at(one).min(at(other))..at(one).max(at(other));
        match self {
            Change::Flip(place, with) if !bytes.is_empty() => {
                let place = place.index(bytes.len());
                bytes[place] ^= with;
            }
            Change::Flip(..) => {}
            Change::Truncate(place) => bytes.truncate(at(place)),
            Change::Insert(place, what) => {
                let place = at(place);
                bytes.splice(place..place, what.iter().copied());
            }
            Change::Repeat(one, other, place) => {
                let (part, place) = (bytes[between(one, other)].to_vec(), at(place));
                bytes.splice(place..place, part);
            }
            Change::Remove(one, other) => {
                bytes.drain(between(one, other));
            }
        }
        bytes
    }
}

fn change() -> impl Strategy<Value = Change> {
    let place = any::<Index>;
    prop_oneof![
        4 => (place(), 1..=255_u8).prop_map(|(place, with)| Change::Flip(place, with)),
        1 => place().prop_map(Change::Truncate),
        2 => (place(), bytes()).prop_map(|(place, what)| Change::Insert(place, what)),
        1 => (place(), place(), place()).prop_map(|(one, other, place)| Change::Repeat(one, other, place)),
        1 => (place(), place()).prop_map(|(one, other)| Change::Remove(one, other)),
    ]
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b"{}[],:\"\\0\x30\x80\xff".to_vec())], 0..24)
}

#[test]
fn laws_hold_for_what_is_nearly_right() {
    for target in &TARGETS {
        let cases = if target.is_keyless { KEYLESS_CASES } else { CASES };
        let config = ProptestConfig { failure_persistence: None, cases, ..ProptestConfig::default() };
        let mut seeds: Vec<Vec<u8>> = kept(target).into_iter().map(|(_, data)| data).collect();
        seeds.retain(|seed| seed.len() < 8192);
        let right = (target.right)();
        let spoilt = (prop_oneof![Just(right), prop::sample::select(seeds)], prop::collection::vec(change(), 1..4))
            .prop_map(|(seed, changes)| changes.iter().fold(seed, |bytes, change| change.apply(bytes)));
        let input = prop_oneof![2 => spoilt, 1 => bytes()];
        let held = TestRunner::new(config).run(&input, |data| {
            (target.law)(&data);
            Ok(())
        });
        assert!(held.is_ok(), "{}: {held:?}", target.name);
    }
}

const LARGE: usize = 1024 * 1024;

fn filled(part: &[u8]) -> Vec<u8> {
    part.iter().copied().cycle().take(LARGE).collect()
}

/// Nothing here is timed: what takes more than linear time would not end.
#[test]
fn laws_hold_for_a_megabyte() {
    let parts: [&[u8]; 7] = [
        b"A",
        b"[",
        b"{\"a\":",
        b"-----BEGIN CERTIFICATE-----\n",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        b" \n",
        b"\x30\x80",
    ];
    for target in &TARGETS {
        let right = (target.right)();
        for part in parts.into_iter().chain([&*right]) {
            (target.law)(&filled(part));
        }
        (target.law)(&[&right, &*filled(b" \n")].concat());
    }
}

/// A signature by alice with all that belongs to it, over another payload than it says; no two are the same.
fn nearly_right(number: usize) -> Layer {
    let Right { ours, certificate, layer, .. } = &*RIGHT;
    let signature = certificate.key.sign(&number.to_be_bytes());
    Layer { signature, ..layer.clone() }.logged(ours, &Entry::default())
}

#[test]
fn many_and_large_signatures_come_to_an_end() {
    let Right { ours, layer, settings, of_root, .. } = &*RIGHT;
    let with = |change: &dyn Fn(&mut Layer)| {
        let mut layer = layer.clone();
        change(&mut layer);
        vec![layer]
    };
    let text = |part: &str| part.repeat(LARGE / part.len());
    let another = |number: usize| {
        let name = Instance::intermediate_of("ours").name;
        let key_name = Some(format!("another {number}"));
        ours.root.sub_ca(&Ca { name, key_name, ..Ca::default() }).pem()
    };
    let others: Vec<String> = (0..6).map(another).collect();
    let large_body = Entry { body: Some(filled(b"{\"a\":")), ..Entry::default() };
    let many = |last: Layer| [vec![last], (1..500).map(nearly_right).collect()].concat();
    let confused = |number| Layer { chain: Some(others.concat()), ..nearly_right(number) };
    let rows: Vec<(&str, &str, Vec<Layer>, bool)> = vec![
        ("a large certificate", settings, with(&|it| it.certificate = Some(text("A"))), false),
        (
            "a large certificate in PEM",
            settings,
            with(&|it| it.certificate = Some(der::pem("CERTIFICATE", &filled(b"\x30")))),
            false,
        ),
        ("as many certificates as fit", settings, with(&|it| it.certificate = Some(text(&layer.verifier))), false),
        ("a large bundle", settings, with(&|it| it.bundle = Some(text("{\"a\":"))), false),
        (
            "a large number in a bundle",
            settings,
            with(&|it| it.bundle = it.bundle.take().map(|bundle| bundle.replace("4711", &text("9")))),
            false,
        ),
        ("a large body", settings, vec![layer.clone().logged(ours, &large_body)], false),
        ("a large signature", settings, with(&|it| it.signature = filled(b"\x30")), false),
        (
            "a thousand authorities in a chain",
            of_root,
            with(&|it| it.chain = it.chain.as_ref().map(|chain| chain.repeat(500))),
            false,
        ),
        ("authorities of one name", of_root, (0..100).map(confused).collect(), false),
        ("as many signatures as a manifest has room for, of which one is right", settings, many(layer.clone()), true),
        ("as many of which none is right", settings, many(nearly_right(0)), false),
    ];
    for (reason, settings, layers, expected) in rows {
        assert_eq!(is_admitted(settings, &layers), expected, "{reason}");
    }
}
