//! How do people and programs look the settings up?
//!
//! Both are made of the policy's own table of settings ([`image_trust::policy::shape`]): the JSON Schema for editors, and the reference tables of
//! `docs/reference/settings.md`.

mod json_schema;
mod reference;

pub use json_schema::json_schema;
pub use reference::reference;
