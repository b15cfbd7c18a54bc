//! Is this digest signed, and by whom?
//!
//! Knows images and what a validator asks for; never a workload, a request or settings. Two provers: the guest reads the signatures beside an image and
//! checks them itself; the host is asked where it can see more than that (`docs/performance.md` says why in this order).

mod budget;
mod key;
mod prove;
mod quorum;
mod shortfall;
mod signature;
mod sigstore;

use std::collections::{BTreeMap, BTreeSet};

pub use budget::{Asked, Budget, TimeIsUp};
pub use key::{KeyError, PublicKey};
pub use prove::{Verified, prove};
pub use quorum::{Quorum, Standing, Tally, Vote};
pub use shortfall::{Failure, Foreign, Lack, Shortfall, Unproven};
pub use sigstore::Unusable;

use crate::image::{Digest, ImageRef};
use sigstore::{Payload, repository_name};

/// Somebody who may sign: a name from the settings, and what proves that they did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustRoot {
    /// The name, as messages give it.
    pub name: String,
    /// The key that makes the signatures.
    pub key: PublicKey,
}

/// What a rule wants proven of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// Who may sign. Names and keys are distinct.
    pub roots: Vec<TrustRoot>,
    /// How many of them have to.
    pub threshold: usize,
    /// Who of them has to.
    pub required: BTreeSet<String>,
    /// What every signature has to carry.
    pub annotations: BTreeMap<String, String>,
    /// Under which names the image may have been signed; any, where there is no list.
    pub identities: Option<BTreeSet<Identity>>,
}

/// A name under which an image may have been signed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Identity {
    /// Its own repository, as cosign writes it.
    Itself,
    /// This text, and no other.
    Name(String),
}

impl Requirement {
    /// Every name under which a signature of `image` is accepted. Where any is, that is its own: others can't be guessed.
    fn names<'r>(&'r self, image: &'r ImageRef) -> impl Iterator<Item = String> + 'r {
        let itself = self.identities.is_none().then(|| repository_name(image));
        let listed = self.identities.iter().flatten().map(|identity| match identity {
            Identity::Itself => repository_name(image),
            Identity::Name(name) => name.clone(),
        });
        itself.into_iter().chain(listed)
    }

    /// Every payload that is accepted of `image`, by its own digest.
    fn payloads(&self, image: &ImageRef, digest: Digest) -> BTreeMap<Digest, Payload> {
        let payload = |name: String| {
            let payload = Payload::new(&name, digest, &self.annotations);
            (payload.digest(), payload)
        };
        self.names(image).map(payload).collect()
    }
}

/// Who saw that a signature is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Prover {
    /// This program, with what the image's signature manifest says.
    SignatureManifest,
    /// The host.
    Host,
}

impl Prover {
    /// The prover as one stable word, for programs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Prover::SignatureManifest => "signatureManifest",
            Prover::Host => "host",
        }
    }
}

/// A reference with the digest that was proven of it, in the user's spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pinned(ImageRef);

impl Pinned {
    /// The text to be written.
    #[must_use]
    pub fn text(&self) -> &str {
        self.0.written()
    }
}
