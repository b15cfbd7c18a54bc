//! What does a signature say about an image, besides its digest?

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::{
    json::{all_members, text},
    ordered::map,
};

/// The name and the annotations that were signed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Subject {
    /// The name of the image, if there is one.
    pub(crate) name: Option<String>,
    /// The annotations whose values are texts.
    pub(crate) annotations: BTreeMap<String, String>,
    /// Whether formats of this kind always sign a name.
    pub(crate) is_named: bool,
}

/// The members of an object whose values are texts; none, where there is no object. `None` if a member is there twice.
pub(super) fn texts(json: Option<&RawValue>) -> Option<BTreeMap<String, String>> {
    let Some(json) = json else { return Some(BTreeMap::new()) };
    let members = all_members(json).ok()?;
    let texts = members.into_iter().filter_map(|(key, value)| Some((key.into_owned(), text(value).ok()?.into_owned())));
    Some(map(texts))
}
