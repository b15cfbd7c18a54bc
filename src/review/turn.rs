//! What is known of an image that has to be proven, when its turn comes?

use super::images::Text;
use crate::{
    image::ImageRef,
    kubernetes::LiveDigest,
    policy::{Mode, Rule},
    verify::Requirement,
};

/// An image that has to be proven.
pub(super) struct Turn<'p, 'i> {
    pub(super) image: &'i ImageRef,
    pub(super) texts: Vec<Text<'i>>,
    pub(super) rule: Rule<'p>,
    pub(super) requirement: Requirement,
    pub(super) mode: Mode,
    /// The number of host calls that were made for the image so far.
    pub(super) calls: usize,
    /// The digest that it keeps if its tag still points to it.
    pub(super) live: Option<LiveDigest<'i>>,
}
