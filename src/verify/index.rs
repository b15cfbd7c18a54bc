//! Is a digest that nobody signed listed in a signed index?
//!
//! An image for several platforms is usually signed as its index, and nodes run the images that the index lists. So `repo:tag@digest` with the digest of one platform
//! counts as proven if the index behind the tag is proven and lists the digest. The tag only says which index to look at. The index is proven and fetched by its own
//! digest, so its list is the list that was signed.

use super::{Asked, Budget, Failure, Requirement, Tally, Unproven, Verified, platforms::lists, prove::prove};
use crate::{
    host::Cause,
    image::{Digest, ImageRef},
};

/// The proof of the index behind `tag` that lists `digest`, if there is one. `tally` is that of `digest` itself.
///
/// # Errors
/// If nobody can tell whether there is one.
pub(super) fn behind<'r>(
    image: &ImageRef,
    tag: &str,
    digest: Digest,
    tally: &Tally,
    requirement: &Requirement,
    budget: &mut Budget<'_>,
) -> Result<Option<Verified>, Failure<'r>> {
    let Some(index) = told(budget.digest(&image.with_tag(tag)), digest, tally)?.filter(|index| *index != digest) else {
        return Ok(None);
    };
    let Ok(reference) = ImageRef::parse(&image.by_digest(index)) else { return Ok(None) };
    let verified = match prove(&reference, requirement, None, budget) {
        Ok(verified) => verified,
        Err(Unproven::Undecided { cause, tally, .. }) => {
            return Err(Unproven::Undecided { digest: Some(digest), tally, cause });
        }
        Err(Unproven::Spent { spent, tally, .. }) => {
            return Err(Unproven::Spent { digest: Some(digest), tally, spent });
        }
        Err(Unproven::NotFound | Unproven::Disagreement { .. } | Unproven::NotSigned(_) | Unproven::NotAttested(_)) => {
            return Ok(None);
        }
    };
    let json = told(budget.manifest(&image.by_digest(index)), digest, tally)?;
    Ok(json.is_some_and(|json| lists(&json, digest)).then_some(verified))
}

/// What the registry answered; `None` where it does not have what was asked for.
///
/// # Errors
/// If the registry did not tell. Then nobody can tell who did not sign `digest`.
fn told<'r, T>(answer: Asked<T>, digest: Digest, tally: &Tally) -> Result<Option<T>, Failure<'r>> {
    let (digest, untold) = (Some(digest), || tally.clone().untold().into());
    match answer {
        Ok(Ok(found)) => Ok(Some(found)),
        Ok(Err(error)) if error.cause == Cause::NotFound => Ok(None),
        Ok(Err(error)) => Err(Unproven::Undecided { digest, tally: untold(), cause: error.cause }),
        Err(spent) => Err(Unproven::Spent { digest, tally: untold(), spent }),
    }
}
