//! Is a digest that nobody signed listed in a signed index?
//!
//! An image for several platforms is usually signed as its index, and nodes run the images that the index lists. So `repo:tag@digest` with the digest of one platform
//! counts as proven if the index behind the tag is proven and lists the digest. The tag only says which index to look at. The index is proven and fetched by its own
//! digest, so its list is the list that was signed.

use super::{
    Asked, Budget, Failure, Requirement, Spent, Tally, Unproven, Verified, platforms::lists, verification::Verification,
};
use crate::{
    host::Cause,
    image::{Digest, ImageRef},
};

/// The reason for which nobody can tell whether a proven index lists a digest.
pub(super) enum Untold {
    /// The registry could not be asked, for this cause. The tally is that of the index, if it was known.
    Undecided(Cause, Option<Box<Tally>>),
    /// The budget was spent.
    Spent(Spent, Option<Box<Tally>>),
}

impl Untold {
    /// The failure of the image whose digest is looked for, and of which `tally` is known.
    pub(super) fn into_failure<'r>(self, digest: Digest, tally: Tally) -> Failure<'r> {
        let digest = Some(digest);
        match self {
            Untold::Undecided(cause, of_index) => {
                Unproven::Undecided { digest, tally: of_index.unwrap_or(tally.into()), cause }
            }
            Untold::Spent(spent, of_index) => {
                Unproven::Spent { digest, tally: of_index.unwrap_or(tally.into()), spent }
            }
        }
    }
}

/// The proof of the index behind `tag` that lists `digest`, if there is one.
///
/// # Errors
/// If nobody can tell whether there is one.
pub(super) fn behind(
    image: &ImageRef,
    tag: &str,
    digest: Digest,
    requirement: &Requirement,
    budget: &mut Budget<'_>,
) -> Result<Option<Verified>, Untold> {
    let Some(index) = told(budget.digest(&image.with_tag(tag)))?.filter(|index| *index != digest) else {
        return Ok(None);
    };
    let Ok(reference) = ImageRef::parse(&image.by_digest(index)) else { return Ok(None) };
    let verified = match Verification::of(&reference, requirement, None, budget) {
        Ok(verified) => verified,
        Err(Unproven::Undecided { cause, tally, .. }) => return Err(Untold::Undecided(cause, Some(tally))),
        Err(Unproven::Spent { spent, tally, .. }) => return Err(Untold::Spent(spent, Some(tally))),
        Err(Unproven::NotFound | Unproven::Disagreement { .. } | Unproven::NotSigned(_) | Unproven::NotAttested(_)) => {
            return Ok(None);
        }
    };
    let json = told(budget.manifest(&image.by_digest(index)))?;
    Ok(json.is_some_and(|json| lists(&json, digest)).then_some(verified))
}

/// What the registry answered; `None` where it does not have what was asked for.
fn told<T>(answer: Asked<T>) -> Result<Option<T>, Untold> {
    match answer {
        Ok(Ok(found)) => Ok(Some(found)),
        Ok(Err(error)) if error.cause == Cause::NotFound => Ok(None),
        Ok(Err(error)) => Err(Untold::Undecided(error.cause, None)),
        Err(spent) => Err(Untold::Spent(spent, None)),
    }
}
