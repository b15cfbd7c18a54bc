//! What is proven of an image, and if nothing is, why not?

use std::collections::{BTreeMap, BTreeSet};

use super::{Attested, NotAttested, Spent, Tally, TrustRoot, TrustRootName};
use crate::{
    evidence::{Source, notation::NotationError},
    host::Cause,
    image::{Digest, ImageRef},
    ordered::{map, set},
    time::UnixTime,
};

/// A digest that enough trust roots signed, with every attestation that was asked for. There is no other way to get one than to have [`super::verify`] prove it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    image: ImageRef,
    digest: Digest,
    index: Option<Digest>,
    tally: Tally,
    attested: Vec<Attested>,
    sources: BTreeSet<Source>,
    leaving: Vec<(TrustRootName, UnixTime)>,
    logged: Vec<(TrustRootName, NotationError)>,
    expiry: Option<Expiry>,
}

/// When evidence stops to prove an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expiry {
    /// The last moment at which it proves something.
    pub at: UnixTime,
    /// Whether that is soon, so that somebody should collect it again.
    pub is_near: bool,
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

/// What a verification found, from which its proof is made.
pub(super) struct Found {
    pub(super) digest: Digest,
    pub(super) tally: Tally,
    pub(super) attested: Vec<Attested>,
    pub(super) sources: BTreeSet<Source>,
    /// Checks that failed and that the rule does not enforce.
    pub(super) logged: Vec<(TrustRootName, NotationError)>,
    /// When the evidence expires, if it does.
    pub(super) expiry: Option<Expiry>,
}

impl Verified {
    /// The proof for `image`. `roots` are all trust roots that were asked.
    pub(super) fn new<'r>(image: &ImageRef, roots: impl Iterator<Item = &'r TrustRoot>, found: Found) -> Verified {
        let Found { digest, tally, attested, sources, logged, expiry } = found;
        let signed: BTreeSet<&TrustRootName> =
            set(tally.signed.iter().chain(attested.iter().flat_map(|attested| &attested.signed)));
        let roots = roots.filter(|root| signed.contains(&root.name));
        let leaving: BTreeMap<TrustRootName, UnixTime> =
            map(roots.filter_map(|root| Some((root.name.clone(), root.period.end?))));
        let leaving = leaving.into_iter().collect();
        Verified { image: image.clone(), digest, index: None, tally, attested, sources, leaving, logged, expiry }
    }

    /// The same proof for `digest` of `image`, which the index that was signed lists.
    pub(super) fn listed(self, image: &ImageRef, digest: Digest) -> Verified {
        Verified { image: image.clone(), digest, index: Some(self.digest), ..self }
    }

    /// `image` with the digest that was signed; `None` if it is not the image that this is the proof of.
    #[must_use]
    pub fn pin(&self, image: &ImageRef) -> Option<Pinned> {
        (self.image == *image).then(|| Pinned(image.pinned(self.digest)))
    }

    /// The digest that runs. It was signed, or is listed in the index that was.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The index that was signed, if the digest itself was not.
    #[must_use]
    pub fn index(&self) -> Option<Digest> {
        self.index
    }

    /// The trust roots that were needed and will not count for long, each with the end of its period.
    #[must_use]
    pub fn leaving(&self) -> &[(TrustRootName, UnixTime)] {
        &self.leaving
    }

    /// The checks that the signatures of trust roots failed, and that the rule does not enforce.
    #[must_use]
    pub fn logged(&self) -> &[(TrustRootName, NotationError)] {
        &self.logged
    }

    /// When the evidence expires, if it does.
    #[must_use]
    pub fn expiry(&self) -> Option<Expiry> {
        self.expiry
    }

    /// Who signed it.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// The attestations that were asked for, those of platforms last.
    #[must_use]
    pub fn attested(&self) -> &[Attested] {
        &self.attested
    }

    /// Where the signatures were found.
    #[must_use]
    pub fn sources(&self) -> &BTreeSet<Source> {
        &self.sources
    }
}

/// Why an image was not verified. `W` is what is known when too few have signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unproven<W> {
    /// Too few have signed.
    NotSigned(W),
    /// Enough have signed, but an attestation is missing.
    NotAttested(NotAttested),
    /// The registry does not have the image.
    NotFound,
    /// The policy server's answer was for another digest than it was asked about.
    Disagreement {
        /// The digest that it was asked about.
        asked: Digest,
        /// The digest that it answered for.
        answered: Digest,
    },
    /// It could not be told whether enough have signed.
    Undecided {
        /// The digest that was judged, if it is known.
        digest: Option<Digest>,
        /// Who signed and who did not.
        tally: Box<Tally>,
        /// What stood in the way.
        cause: Cause,
    },
    /// The budget was spent first.
    Spent {
        /// The digest that was judged, if it is known.
        digest: Option<Digest>,
        /// Who signed and who did not, as far as it was asked.
        tally: Box<Tally>,
        /// The limit of the budget that was reached.
        spent: Spent,
    },
}

impl<W> Unproven<W> {
    /// The same with what is known when too few have signed turned into something else.
    pub(crate) fn map<V>(self, not_signed: impl FnOnce(W) -> Unproven<V>) -> Unproven<V> {
        match self {
            Unproven::NotSigned(what) => not_signed(what),
            Unproven::NotAttested(what) => Unproven::NotAttested(what),
            Unproven::NotFound => Unproven::NotFound,
            Unproven::Disagreement { asked, answered } => Unproven::Disagreement { asked, answered },
            Unproven::Undecided { digest, tally, cause } => Unproven::Undecided { digest, tally, cause },
            Unproven::Spent { digest, tally, spent } => Unproven::Spent { digest, tally, spent },
        }
    }
}
