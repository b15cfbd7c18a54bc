//! Is this digest signed, and by whom?
//!
//! Knows images and what a validator asks for; never a workload, a request or settings. The guest proves: it reads the signatures beside an image and
//! checks them itself. The host's own prover is an exception that an operator switches on for the keys of a validator (`askHost`), because whoever pushes
//! signatures then chooses what the policy server downloads.

mod budget;
mod identity;
mod index;
mod key;
mod prove;
mod quorum;
mod shortfall;
mod signature;
mod sigstore;

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
    time::Duration,
};

pub use budget::{Asked, Budget, Spent, Unseen};
pub use identity::{Anchored, GITHUB_ISSUER, Holder, RegexError, Wanted, Workflow};
pub use key::{KeyError, PublicKey};
pub use prove::{Verified, prove};
pub use quorum::{Quorum, Signer, Standing, Tally, Vote, without_reference};
pub use shortfall::{Beside, Failure, Foreign, Lack, Shortfall, Unproven};
pub use signature::OtherAlgorithm;
pub use sigstore::{Authorities, GITHUB, Origin, PUBLIC_GOOD_DATE, Step, TrustedRoot, TrustedRootError, Unusable};

use crate::{
    image::{Digest, ImageRef},
    period::Period,
};
use sigstore::{Demands, Payload, repository_name};

/// Somebody who may sign: a name from the settings, and what proves that they did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustRoot {
    /// The name, as messages give it.
    pub name: String,
    /// What makes the signatures.
    pub signs: Signs,
    /// When its signatures count. That is of the day of admission, whenever they were made.
    pub period: Period,
}

/// What makes the signatures of a trust root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signs {
    /// A key.
    Key(PublicKey),
    /// Keys that a CA of the validator's trusted root made out to this holder.
    Keyless(Holder),
    /// Keys that one of these CAs made out to this holder.
    Certificate(Authorities, Holder),
}

impl TrustRoot {
    /// Are both of them the same signer?
    #[must_use]
    pub fn is_same(&self, other: &TrustRoot) -> bool {
        self.signs == other.signs
    }

    /// The key, if it is one.
    #[must_use]
    pub fn key(&self) -> Option<&PublicKey> {
        match &self.signs {
            Signs::Key(key) => Some(key),
            Signs::Keyless(_) | Signs::Certificate(..) => None,
        }
    }
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
    /// Under which names the image may have been signed. Where there is no list: with a certificate its own, with a key any.
    pub identities: Option<BTreeSet<Identity>>,
    /// Whether keys, and certificates of own CAs, need an entry in a transparency log; keyless signatures always do.
    pub in_log: bool,
    /// Whether certificates need a timestamp of a CT log.
    pub timestamped: Timestamped,
    /// The CAs and logs that the validator believes; none, where nothing asks for them.
    pub trusted_root: Rc<TrustedRoot>,
    /// Whether the host may be asked about keys whose signatures cover a payload that the guest cannot read.
    pub ask_host: bool,
}

/// Which certificates need a timestamp of a CT log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Timestamped {
    /// Those of keyless signatures.
    #[default]
    Keyless,
    /// All.
    All,
    /// None.
    None,
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
    /// The key of `root`, if the host may be asked about it: only where the validator allows it, and never where more is wanted than that the key signed.
    fn hosts_key<'r>(&self, root: &'r TrustRoot) -> Option<&'r PublicKey> {
        root.key().filter(|_| self.ask_host && self.identities.is_none() && !self.in_log)
    }

    /// Whose certificates are the signatures of `root`, and what is asked of them; nothing, if it is a key.
    fn demands<'r>(&'r self, root: &'r TrustRoot, now: Duration) -> Option<(&'r Holder, Demands<'r>)> {
        let TrustedRoot { authorities, tlogs, ctlogs } = &*self.trusted_root;
        Some(match &root.signs {
            Signs::Key(_) => return None,
            Signs::Keyless(holder) => {
                let ctlogs = (self.timestamped != Timestamped::None).then_some(ctlogs);
                (holder, Demands { authorities, tlogs: Some(tlogs), ctlogs, now })
            }
            Signs::Certificate(authorities, holder) => {
                let ctlogs = (self.timestamped == Timestamped::All).then_some(ctlogs);
                (holder, Demands { authorities, tlogs: self.in_log.then_some(tlogs), ctlogs, now })
            }
        })
    }

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
