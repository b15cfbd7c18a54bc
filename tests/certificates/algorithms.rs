//! Signatures by the right key in ways that are not accepted.

use super::{Minted, digest, identities::payload, minted};
use image_trust_testbed::mint::{self, Key, Kind, Layer};

pub(super) fn algorithms() -> Vec<Minted> {
    let unread = mint::payload("registry.example/copied", &digest('1'));
    let row = |name, kind, payload: &[u8]| minted(name, &[Layer::by_key(&Key::new(kind, "alice"), payload)]);
    vec![
        row("p256-signature-with-sha512", Kind::P256Wide, &payload()),
        row("rsa-signature-with-sha512", Kind::Rsa2048Wide, &payload()),
        row("rsa-pss-signature-with-the-longest-salt", Kind::Rsa2048Pss, &payload()),
        row("p256-signature-with-sha512-over-an-unknown-payload", Kind::P256Wide, &unread),
        row("rsa-pss-signature-over-an-unknown-payload", Kind::Rsa2048Pss, &unread),
    ]
}
