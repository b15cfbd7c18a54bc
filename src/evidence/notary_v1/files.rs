//! Which files does a repository have?

use std::collections::BTreeMap;

use super::error::{Role, TrustDataError};

/// The files of a repository by role, as a notary server serves them. Nothing in them is trusted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Files(pub(crate) BTreeMap<Role, Vec<u8>>);

impl Files {
    pub(super) fn get(&self, role: &Role) -> Result<&[u8], TrustDataError> {
        self.0.get(role).map(Vec::as_slice).ok_or_else(|| TrustDataError::Missing(role.clone()))
    }
}
