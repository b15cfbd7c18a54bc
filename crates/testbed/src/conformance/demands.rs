//! Where something else is demanded than that one name.

use super::{
    Demand, Mint, Row,
    Says::{No, Unasked, Yes},
    rows::*,
};
use crate::mint::{Entry, Key, Kind, Layer, Leaf};

/// Rows whose subject is an expression, which Go finds anywhere in a name.
pub(super) fn patterns() -> Vec<Row> {
    let row = |reason, here, says, subject| {
        Row::new(reason, here, says, says, leaf(Leaf::of_workflow()))
            .demanding(Demand::Matching { issuer: GITHUB, subject })
    };
    vec![
        row(
            "a pattern",
            "proven",
            Yes,
            r"^https://github\.com/acme/app/\.github/workflows/release\.yml@refs/tags/v[0-9]+$",
        ),
        row("a pattern of a part", "settings", Yes, "acme/app"),
        row("a pattern of another part", "settings", No(WHO), r"^https://github\.com/acme/other/"),
        row("a pattern of the begin", "settings", No(WHO), "^acme/app"),
        row("a pattern of the end", "settings", No(WHO), "refs/heads/main$"),
        row("a pattern in other letters", "settings", No(WHO), "ACME"),
        row("a pattern for any letters", "settings", Yes, "(?i)ACME"),
    ]
}

/// Plain keys of which an entry in the log is demanded.
pub(super) fn logged_keys() -> Vec<Row> {
    let plain = Entry::default;
    let key = |kind| Key::new(kind, "alice");
    let by = |kind, entry: Entry| -> Mint {
        Box::new(move |ours, image| vec![Layer::by_key(&key(kind), &image.payload()).logged(ours, &entry)])
    };
    let row = |reason, here, says, kind, entry| {
        Row::new(reason, here, says, says, by(kind, entry)).demanding(Demand::Key(key(kind)))
    };
    let row256 = |reason, here, says, entry| row(reason, here, says, Kind::P256, entry);
    let other = || Some(Key::p256("mallory").public_pem());
    vec![
        row("a logged key on P-256", "proven", Yes, Kind::P256, plain()),
        row("a logged key on P-384", "proven", Yes, Kind::P384, plain()),
        row("a logged RSA key", "proven", Yes, Kind::Rsa2048, plain()),
        row("a logged Ed25519 key", "proven", No("unsupported hash algorithm"), Kind::Ed25519, plain()),
        Row::new(
            "a key that is not logged",
            "log-entry-missing",
            No("offline verification failed"),
            Unasked("it would ask the public log"),
            Box::new(move |_, image| vec![Layer::by_key(&key(Kind::P256), &image.payload())]),
        )
        .demanding(Demand::Key(key(Kind::P256))),
        row256(
            "a key, another log's entry",
            "log-entry-log",
            No(OTHER_REKOR),
            Entry { key: Some(another_log()), ..plain() },
        ),
        row256(
            "a key, an entry with another key",
            "log-entry-key",
            No(IN_ENTRY),
            Entry { verifier: other(), ..plain() },
        ),
        row256(
            "a key, an entry with another hash",
            "log-entry-payload",
            No(IN_ENTRY),
            Entry { hash: Some("0".repeat(64)), ..plain() },
        ),
        Row::new(
            "a key, the entry of another's signature",
            "log-entry-signature",
            No(OTHER_SIGNATURE),
            No(OTHER_SIGNATURE),
            Box::new(move |ours, image| {
                let of = |name| Layer::by_key(&Key::p256(name), &image.payload()).logged(ours, &Entry::default());
                vec![Layer { bundle: of("mallory").bundle, ..of("alice") }]
            }),
        )
        .demanding(Demand::Key(key(Kind::P256))),
        Row::new(
            "a key, logged before the log was trusted",
            "log-entry-log",
            Yes,
            No("rekor log public key not valid at payload integrated time"),
            by(Kind::P256, Entry::at(0)),
        )
        .demanding(Demand::Key(key(Kind::P256))),
        Row::new("a key, and a certificate of it", "log-entry-key", No(OTHER_KEY), Yes, leaf(alice()))
            .demanding(Demand::Key(key(Kind::P256))),
    ]
}
