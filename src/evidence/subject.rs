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
    /// The annotations that have a text as value.
    pub(crate) annotations: BTreeMap<String, String>,
    /// Whether every signature in this format covers a name.
    pub(crate) is_named: bool,
}

/// The members of an object that have a text as value. Without an object there are none. The result is `None` if a member occurs twice.
pub(super) fn texts(json: Option<&RawValue>) -> Option<BTreeMap<String, String>> {
    let Some(json) = json else { return Some(BTreeMap::new()) };
    let members = all_members(json).ok()?;
    let texts = members.into_iter().filter_map(|(key, value)| Some((key.into_owned(), text(value).ok()?.into_owned())));
    Some(map(texts))
}
