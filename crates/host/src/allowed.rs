//! Which capabilities does a deployment grant? The patterns of `--allowed-host-capabilities`.

use std::str::FromStr;

/// The host capabilities that a deployment grants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedCapabilities(Vec<CapabilityPattern>);

/// A grant of one or more capabilities: `*`, `oci/*`, `oci/v2/*` or `oci/v2/verify`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapabilityPattern(Pattern);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Pattern {
    /// The text before the `*`: nothing, or whole segments with their slash.
    Below(String),
    Exactly(String),
}

/// Every capability there is; the host refuses patterns that can match none of them.
const KNOWN: [&str; 11] = [
    "crypto/v1/is_certificate_trusted",
    "kubernetes/can_i",
    "kubernetes/get_resource",
    "kubernetes/list_resources_all",
    "kubernetes/list_resources_by_namespace",
    "net/v1/dns_lookup_host",
    "oci/v1/manifest_digest",
    "oci/v1/oci_manifest",
    "oci/v1/oci_manifest_config",
    "oci/v1/verify",
    "oci/v2/verify",
];

impl Default for AllowedCapabilities {
    /// Grants all capabilities, as kwctl and the controller do by default.
    fn default() -> Self {
        Self(vec![CapabilityPattern(Pattern::Below(String::new()))])
    }
}

impl FromIterator<CapabilityPattern> for AllowedCapabilities {
    /// Whatever any of the patterns grants; no pattern grants nothing, as in a hand-written policies.yml.
    fn from_iter<I: IntoIterator<Item = CapabilityPattern>>(patterns: I) -> Self {
        Self(patterns.into_iter().collect())
    }
}

impl AllowedCapabilities {
    pub(crate) fn contains(&self, capability: &str) -> bool {
        self.0.iter().any(|CapabilityPattern(pattern)| match pattern {
            Pattern::Below(prefix) => capability.starts_with(prefix.as_str()),
            Pattern::Exactly(exact) => capability == exact,
        })
    }
}

/// The error about a pattern that grants nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{pattern}` is no host capability: write `*`, a prefix as in `oci/*`, or one of {}", KNOWN.join(", "))]
pub struct BadCapability {
    pattern: String,
}

impl FromStr for CapabilityPattern {
    type Err = BadCapability;

    fn from_str(text: &str) -> Result<Self, BadCapability> {
        let text = text.trim();
        let parsed = match text.strip_suffix('*') {
            // `oci*` would be a prefix of a name, not of segments
            Some(prefix) if prefix.is_empty() || prefix.ends_with('/') => Some(Pattern::Below(prefix.to_owned())),
            Some(_) => None,
            None => Some(Pattern::Exactly(text.to_owned())),
        };
        let grants = |pattern: &Pattern| match pattern {
            Pattern::Below(prefix) => KNOWN.iter().any(|known| known.starts_with(prefix.as_str())),
            Pattern::Exactly(exact) => KNOWN.contains(&exact.as_str()),
        };
        parsed.filter(grants).map(Self).ok_or_else(|| BadCapability { pattern: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_grant_whole_segments() {
        // pattern, capability, granted
        let table = [
            ("*", "oci/v1/verify", true),
            ("oci/*", "oci/v2/verify", true),
            ("oci/*", "net/v1/dns_lookup_host", false),
            ("oci/v2/*", "oci/v1/verify", false),
            (" oci/v1/verify ", "oci/v1/verify", true),
            ("oci/v1/oci_manifest", "oci/v1/oci_manifest_config", false),
        ];
        for (pattern, capability, granted) in table {
            let allowed: AllowedCapabilities = pattern.parse().into_iter().collect();
            assert_eq!(allowed.contains(capability), granted, "{pattern} {capability}");
        }
        assert!(!AllowedCapabilities::from_iter([]).contains("oci/v1/verify"));
    }

    #[test]
    fn patterns_that_grant_nothing_are_errors() {
        // a prefix of a name, a star in the middle, a whole namespace without star, unknown names, nothing, two at once
        for bad in ["oci*", "*/verify", "oci", "oci/v9/*", "oci/v1/pull", "", "oci/*,net/*"] {
            assert!(bad.parse::<CapabilityPattern>().is_err(), "{bad}");
        }
    }
}
