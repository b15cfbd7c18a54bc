//! Which key made a signature, and which authority vouches for a key?
//!
//! Keys, signatures, certificates and the path to an authority (RFC 5280). Nothing here knows Sigstore, images or settings.

mod algorithm;
pub(crate) mod asn1;
pub(crate) mod certificate;
pub(crate) mod dsse;
pub(crate) mod key;
pub(crate) mod path;
pub(crate) mod scheme;
pub(crate) mod signature;
pub(crate) mod timestamp_token;

pub use algorithm::SignatureAlgorithm;
pub use key::{KeyError, PublicKey};
pub use path::AuthorityError;
