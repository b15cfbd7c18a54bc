//! Which digest does a list of targets have for a tag, and to whom is that delegated?

use std::{borrow::Cow, collections::BTreeMap};

use base64ct::{Base64, Encoding as _};

use super::{
    canonical::Json,
    error::{Role, TargetError, TrustDataError},
    meta::Listing,
    signed::{Envelope, Head, Keys, Proven},
};
use crate::{image::Digest, time::UnixTime};

/// The delegation that is searched if the rule names none: signers of Docker Content Trust sign for it.
const RELEASES: &str = "releases";

/// The most delegations of a repository.
const MAX_DELEGATIONS: usize = 100;

/// What a rule asks of the trust data.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'w> {
    /// The tag of the image, if it has one.
    pub(crate) tag: Option<&'w str>,
    /// The digest of the image, if it has one.
    pub(crate) digest: Option<Digest>,
    /// The names of the delegations that have to list the image, with or without `targets/` in front. Without any, the usual place is searched.
    pub(crate) delegations: &'w [String],
}

/// The list of targets that the keys of `targets` signed, with the delegations.
#[derive(Debug)]
pub(super) struct Targets {
    pub(super) head: Head,
    digests: BTreeMap<String, Digest>,
    /// The delegations by their names without `targets/` in front.
    delegations: BTreeMap<String, Delegation>,
}

/// To whom tags are delegated.
#[derive(Debug)]
struct Delegation {
    keys: Keys,
    /// The beginnings of the tags that are delegated. An empty text is every tag.
    paths: Vec<String>,
}

/// The list of targets of a delegation. It has only the tags that are delegated to it.
#[derive(Debug)]
pub(super) struct Delegated {
    pub(super) head: Head,
    digests: BTreeMap<String, Digest>,
}

impl Targets {
    pub(super) fn read(proven: &Proven<'_>) -> Result<Targets, TrustDataError> {
        let read = || {
            let digests = digests(&proven.signed, |_| true)?;
            let mut delegations = BTreeMap::new();
            let delegated = proven.signed.get("delegations");
            let roles = delegated.and_then(|it| it.get("roles")).map_or(Some(&[][..]), Json::entries)?;
            if roles.len() > MAX_DELEGATIONS {
                return None;
            }
            for role in roles {
                let name = role.get("name")?.text()?;
                let Role::Delegation(name) = Role::parse(name)? else { return None };
                let paths = role.get("paths").map_or(Some(&[][..]), Json::entries)?;
                let paths = paths.iter().map(|path| path.text().map(str::to_owned)).collect::<Option<_>>()?;
                let keys = Keys::read(role, delegated?.get("keys")?)?;
                if delegations.insert(name, Delegation { keys, paths }).is_some() {
                    return None;
                }
            }
            Some(Targets { head: proven.head, digests, delegations })
        };
        read().ok_or_else(|| proven.malformed())
    }

    /// The roles whose lists have to have the image.
    ///
    /// Without names it is `targets/releases`, if there are delegations, and else `targets`. As long as `targets/releases` has signed nothing, the owner of the
    /// repository still signs for it, in `targets`.
    pub(super) fn places(&self, names: &[String], listing: &Listing) -> Result<Vec<Role>, TargetError> {
        let find = |name: &str| {
            let role = Role::delegation(name).ok_or_else(|| TargetError::NotOneLevel(name.to_owned()))?;
            match self.delegations.contains_key(name) {
                true => Ok(role),
                false => Err(TargetError::UnknownDelegation(name.to_owned())),
            }
        };
        if names.is_empty() {
            if self.delegations.is_empty() {
                return Ok(vec![Role::Targets]);
            }
            let releases = find(RELEASES)?;
            return Ok(vec![if listing.has(&releases) { releases } else { Role::Targets }]);
        }
        if self.delegations.is_empty() {
            return Err(TargetError::NoDelegations);
        }
        let signed = |name: &String| {
            let name = name.strip_prefix("targets/").unwrap_or(name);
            let role = find(name)?;
            match listing.has(&role) {
                true => Ok(role),
                false => Err(TargetError::NeverSigned(name.to_owned())),
            }
        };
        names.iter().map(signed).collect()
    }

    /// The list of the delegation with this name.
    pub(super) fn delegated(
        &self,
        name: &str,
        listing: &Listing,
        file: &[u8],
        now: UnixTime,
    ) -> Result<Delegated, TargetError> {
        let delegation = self.delegations.get(name).ok_or_else(|| TargetError::UnknownDelegation(name.to_owned()))?;
        let role = Role::Delegation(name.to_owned());
        listing.check(&role, file)?;
        let proven = Envelope::read(role, file)?.verify(&delegation.keys, now)?;
        let is_delegated = |tag: &str| delegation.paths.iter().any(|path| tag.starts_with(path.as_str()));
        let digests = digests(&proven.signed, is_delegated).ok_or_else(|| proven.malformed())?;
        Ok(Delegated { head: proven.head, digests })
    }

    /// The digest that is wanted, if this list has it.
    pub(super) fn find(&self, wanted: Wanted<'_>) -> Result<Digest, TargetError> {
        find(&self.digests, &Role::Targets, wanted)
    }
}

impl Delegated {
    /// The digest that is wanted, if the list of this role has it.
    pub(super) fn find(&self, role: &Role, wanted: Wanted<'_>) -> Result<Digest, TargetError> {
        find(&self.digests, role, wanted)
    }
}

fn find(digests: &BTreeMap<String, Digest>, role: &Role, wanted: Wanted<'_>) -> Result<Digest, TargetError> {
    match (wanted.tag, wanted.digest) {
        (Some(tag), given) => {
            let digest = *digests.get(tag).ok_or_else(|| TargetError::NoTag(role.clone()))?;
            match given.is_none_or(|given| given == digest) {
                true => Ok(digest),
                false => Err(TargetError::OtherDigest(role.clone(), digest)),
            }
        }
        (None, Some(digest)) => {
            let is_there = digests.values().any(|other| *other == digest);
            is_there.then_some(digest).ok_or_else(|| TargetError::NoDigest(role.clone()))
        }
        (None, None) => Err(TargetError::NoName),
    }
}

/// The digests of the targets that may be in a list.
fn digests(signed: &Json<'_>, may_be: impl Fn(&str) -> bool) -> Option<BTreeMap<String, Digest>> {
    let mut digests = BTreeMap::new();
    let targets = match signed.get("targets") {
        Some(targets) => targets.members()?,
        None => return Some(digests),
    };
    for (tag, target) in targets.iter().filter(|(tag, _)| may_be(tag)) {
        let sha256 = target.get("hashes")?.get("sha256")?.text()?;
        let sha256 = Base64::decode_vec(sha256).ok()?.try_into().ok()?;
        digests.insert(Cow::into_owned(tag.clone()), Digest::from_bytes(sha256));
    }
    Some(digests)
}
