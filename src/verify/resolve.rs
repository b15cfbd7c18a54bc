//! Which digest does a tag have?

use super::{Budget, Spent};
use crate::{
    host::{Cause, HostError},
    image::{Digest, ImageRef},
};

/// The digest behind the tag of `image`, or the reason for which it is not known. `later_calls` is the number of questions that the proof of an image which exists
/// asks besides.
pub(super) fn resolve(
    image: &ImageRef,
    resolved: Option<Result<Digest, HostError>>,
    later_calls: usize,
    budget: &mut Budget<'_>,
) -> Result<Result<Digest, Cause>, Spent> {
    match resolved.map_or_else(|| budget.digest(&image.to_string()), Ok)? {
        Ok(digest) => Ok(Ok(digest)),
        Err(error) => {
            // An image that exists costs these calls, too. So whoever counts host calls does not learn that it is missing.
            if error.cause == Cause::NotFound {
                for _ in 0..later_calls {
                    budget.charge()?;
                }
            }
            Ok(Err(error.cause))
        }
    }
}
