//! Have enough trust roots signed the tag or the digest of an image with Notary v1?
//!
//! Notary v1 signs which digest a tag has. So the registry is not asked for the digest of the tag, but only for the evidence manifest of the repository.

use std::{collections::BTreeMap, time::Duration};

use super::{
    Budget, Failure, Missing, NotaryFound, NotaryMissing, NotaryRequirement, Quorum, RootKey, Spent, Standing,
    TrustRoot, TrustRootKind, TrustRootName, Unproven, Verified, Vote,
    ballot::in_order,
    proof::{Expiry, Found},
    requirement::evidence_at,
};
use crate::{
    evidence::{
        Source,
        notary_v1::{Files, Role, Root, RootError, TrustData, Wanted, evidence_tag},
    },
    host::Cause,
    image::{Digest, ImageRef},
    ordered::set,
    time::UnixTime,
};

/// How long before trust data expires it is told. A timestamp lasts for 14 days.
const NEAR: Duration = Duration::from_secs(3 * 24 * 60 * 60);

/// A verification that is not finished.
struct Notary<'r> {
    image: &'r ImageRef,
    requirement: &'r NotaryRequirement,
    gun: String,
    now: UnixTime,
    roots: Vec<&'r TrustRoot>,
    quorum: Quorum<'r>,
    errors: BTreeMap<&'r TrustRootName, RootError>,
}

/// What ends a verification: the proof, or what was found in its place.
enum End {
    Proven(Digest, UnixTime),
    Missing(NotaryFound),
    Undecided(Cause),
}

/// Proves that enough trust roots signed the tag or the digest of `image`.
///
/// # Errors
/// If too few signed, or if it cannot be told.
pub(super) fn prove<'r>(
    image: &'r ImageRef,
    requirement: &'r NotaryRequirement,
    budget: &mut Budget<'_>,
) -> Result<Verified, Failure<'r>> {
    let now = budget.now();
    let (roots, quorum) = in_order(&requirement.signers, now);
    let gun = requirement.gun(image);
    let mut notary = Notary { image, requirement, gun, now, roots, quorum, errors: BTreeMap::new() };
    match notary.run(budget) {
        Ok(End::Proven(digest, expires)) => Ok(notary.verified(digest, expires)),
        Ok(End::Missing(found)) => Err(notary.missing(found)),
        Ok(End::Undecided(cause)) => {
            notary.vote_for_all_others(&Vote::Undecided);
            Err(Unproven::Undecided { digest: image.digest(), tally: notary.quorum.tally().into(), cause })
        }
        Err(spent) => Err(Unproven::Spent { digest: image.digest(), tally: notary.quorum.tally().into(), spent }),
    }
}

impl<'r> Notary<'r> {
    fn run(&mut self, budget: &mut Budget<'_>) -> Result<End, Spent> {
        if self.quorum.standing() == Standing::Lost {
            return Ok(End::Missing(NotaryFound::NotNow));
        }
        let at = evidence_at(self.requirement.repository.as_ref(), self.image, &evidence_tag(&self.gun));
        let json = match budget.manifest(&at)? {
            Ok(json) => json,
            Err(error) if error.cause == Cause::NotFound => return Ok(End::Missing(NotaryFound::Nothing)),
            Err(error) => return Ok(End::Undecided(error.cause)),
        };
        budget.tick()?;
        let files = match Files::read(&json) {
            Ok(files) => files,
            Err(unusable) => return Ok(End::Missing(NotaryFound::Unusable(unusable))),
        };
        self.count(&files, budget)
    }

    /// Counts the trust roots that vouch for the repository, if its trust data names a digest for the image.
    fn count(&mut self, files: &Files, budget: &Budget<'_>) -> Result<End, Spent> {
        let mut root = match Root::verify(files, self.now) {
            Ok(root) => root,
            Err(error) => return Ok(End::Missing(NotaryFound::TrustData(error))),
        };
        let mut pinned = Vec::new();
        for trust_root in self.roots.clone() {
            let (Some(key), true) = (root_key(trust_root), self.quorum.awaits(&trust_root.name)) else { continue };
            budget.tick()?;
            match pin(&mut root, key, &self.gun) {
                Ok(()) => pinned.push((trust_root, key)),
                Err(error) => self.miss(trust_root, error),
            }
        }
        if self.quorum.standing() == Standing::Lost {
            return Ok(End::Missing(NotaryFound::Roots));
        }
        budget.tick()?;
        let data = match TrustData::verify(root, files, self.now) {
            Ok(data) => data,
            Err(error) => return Ok(End::Missing(NotaryFound::TrustData(error))),
        };
        budget.tick()?;
        let wanted =
            Wanted { tag: self.image.tag(), digest: self.image.digest(), delegations: &self.requirement.delegations };
        let signed = match data.find(wanted) {
            Ok(signed) => signed,
            Err(error) => return Ok(End::Missing(NotaryFound::Target(error))),
        };
        for (trust_root, key) in pinned {
            let is_new = not_older(Role::Targets, signed.targets, key.least_targets)
                .and_then(|()| not_older(Role::Snapshot, signed.snapshot, key.least_snapshot));
            match (signed.claim(&key.key), is_new) {
                (Some(claim), Ok(())) => self.quorum.vote(&trust_root.name, Vote::Signed(claim.signer)),
                (Some(_), Err(error)) => self.miss(trust_root, error),
                (None, _) => self.miss(trust_root, RootError::NotSigned),
            }
        }
        match self.quorum.standing() {
            Standing::Met => Ok(End::Proven(signed.digest, signed.expires)),
            Standing::Lost | Standing::Open => Ok(End::Missing(NotaryFound::Roots)),
        }
    }

    fn miss(&mut self, root: &'r TrustRoot, error: RootError) {
        self.quorum.vote(&root.name, Vote::Missing);
        self.errors.insert(&root.name, error);
    }

    fn vote_for_all_others(&mut self, vote: &Vote) {
        for root in &self.roots {
            self.quorum.vote(&root.name, vote.clone());
        }
    }

    fn verified(&self, digest: Digest, expires: UnixTime) -> Verified {
        let expiry = Expiry { at: expires, is_near: expires.since(self.now) < NEAR };
        let found = Found {
            digest,
            tally: self.quorum.tally(),
            attested: Vec::new(),
            sources: set([Source::EvidenceManifest]),
            logged: Vec::new(),
            expiry: Some(expiry),
        };
        Verified::new(self.image, self.requirement.signers.roots.iter(), found)
    }

    fn missing(&mut self, found: NotaryFound) -> Failure<'r> {
        self.vote_for_all_others(&Vote::Missing);
        let roots = self.roots.iter().copied().filter(|root| self.quorum.misses(&root.name)).collect();
        let missing = NotaryMissing {
            now: self.now,
            digest: self.image.digest(),
            tally: self.quorum.tally(),
            roots,
            gun: std::mem::take(&mut self.gun),
            server: self.requirement.server.as_deref(),
            found,
            errors: std::mem::take(&mut self.errors),
        };
        Unproven::NotSigned(Missing::NotaryV1(missing.into()))
    }
}

fn root_key(root: &TrustRoot) -> Option<&RootKey> {
    match &root.kind {
        TrustRootKind::NotaryV1(key) => Some(key),
        _ => None,
    }
}

/// Lets the holder of this key vouch for the repository with this GUN, if `root` is new enough.
fn pin(root: &mut Root<'_>, key: &RootKey, gun: &str) -> Result<(), RootError> {
    root.pin(&key.key, gun)?;
    not_older(Role::Root, root.version(), key.least_root)
}

fn not_older(role: Role, is: u64, least: Option<u64>) -> Result<(), RootError> {
    match least {
        Some(least) if is < least => Err(RootError::Version { role, is, least }),
        _ => Ok(()),
    }
}
