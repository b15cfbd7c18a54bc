//! Which Kubernetes objects are in these files, and where does each of their texts stand?
//!
//! [`Manifest::parse`] reads a text as kubectl does and keeps the place of every text in it. [`Manifest::items`] are its objects, those of lists among
//! them. [`pin`] writes digests into the text and leaves every other byte as it is. Nothing here asks a registry or decides about an image.
//!
//! ```
//! use image_trust::kubernetes::Kinds;
//! use image_trust_manifests::{Item, Manifest};
//!
//! let manifest = Manifest::parse("apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - image: nginx:1.27\n".to_owned())?;
//! for item in manifest.items() {
//!     let Item::Object(object) = item else { continue };
//!     for image in object.images(Kinds::default()).into_iter().flatten().flatten() {
//!         assert_eq!((image.image.as_str(), image.text.place.line), ("nginx:1.27", 5));
//!     }
//! }
//! # Ok::<(), image_trust_manifests::Error>(())
//! ```

#![cfg_attr(
    not(test),
    deny(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::string_slice, clippy::unwrap_used)
)]

mod edit;
mod encoding;
mod error;
pub mod files;
mod json;
mod kustomize;
mod manifest;
mod merge;
mod object;
pub mod pin;
mod scalar;
mod template;
mod tree;
mod yaml;

pub use encoding::{EncodingError, utf8};
pub use error::{Error, Place, Problem};
pub use manifest::{Document, Manifest, Text};
pub use object::{Image, Item, Object, Unread, Unreadable};
pub use tree::Style;
