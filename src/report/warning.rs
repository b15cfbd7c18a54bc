//! How is a warning told, and how many are passed on?

use super::{disclosure::Disclosed, quoted};
use crate::{
    text::Shown,
    verdict::{NotPinned, Waiver, Warning},
};

/// Longest warning, in bytes: Kubernetes cuts longer ones at 256.
const MAX_WARNING: usize = 256;
/// Most bytes of all warnings together, of which the API server drops what is over 4 KB.
const MAX_WARNINGS: usize = 4_096;

impl Warning {
    /// The warning, or as much of it as the user is shown.
    pub(super) fn told(&self, disclosed: Disclosed<'_>) -> String {
        let (word, image) = match self {
            Warning::SignerLeaving { image, .. } => ("signer-leaving", image),
            Warning::NotProven { image, .. } => ("not-proven", image),
            Warning::EvidenceExpiring { image, .. } => ("evidence-expiring", image),
            Warning::Waived { image, by, .. } => (by.word(), image),
            Warning::NotPinned { image, .. } => ("not pinned", image),
        };
        let image = Shown(image);
        match disclosed.reference() {
            None => format!("{word}: {image}: {}", self.sentence()),
            Some(reference) => format!("{word}: {reference}: {image}"),
        }
    }

    fn sentence(&self) -> String {
        match self {
            Warning::SignerLeaving { root, end, .. } => format!(
                "it is admitted because {} signed it, whose signatures count until {end}; have its successor sign it",
                quoted(&root.0)
            ),
            Warning::NotProven { root, error, .. } => {
                format!("{}: {}; its rule does not enforce this", quoted(&root.0), error.sentence())
            }
            Warning::EvidenceExpiring { at, .. } => {
                format!("the evidence that admits it expires at {at}; collect it again (image-trust collect)")
            }
            Warning::Waived { by: Waiver::Exception(exception), reason, .. } => format!(
                "admitted until {} although it would be denied ({}); reason: {}",
                exception.until(),
                reason.word(),
                Shown(exception.reason())
            ),
            Warning::Waived { by: Waiver::BreakGlass(by), reason, leaves_pods, .. } => format!(
                "admitted by {} although it would be denied ({}){}; reason: {}",
                quoted(by.user()),
                reason.word(),
                if *leaves_pods { "; does not cover its Pods (docs/guides/exceptions.md)" } else { "" },
                Shown(by.reason())
            ),
            Warning::NotPinned { why, digest, .. } => {
                let why = match why {
                    NotPinned::Mode => "its rule has mode insecureValidateOnly",
                    NotPinned::Mutation => "features.mutation is false",
                };
                format!("{why}; its tag may point elsewhere when it is pulled; proven was {digest}")
            }
        }
    }
}

/// Cuts every warning, and the list, to what the API server passes on; the last one then counts the rest.
pub(super) fn bounded(warnings: Vec<String>) -> Vec<String> {
    let all = warnings.len();
    let mut kept: Vec<String> = Vec::new();
    let mut bytes = 0_usize;
    for warning in warnings {
        let warning = cut(warning);
        bytes = bytes.saturating_add(warning.len());
        // Room for the line that counts the rest.
        if bytes > MAX_WARNINGS - MAX_WARNING {
            break;
        }
        kept.push(warning);
    }
    match all.saturating_sub(kept.len()) {
        0 => {}
        rest => kept.push(format!("image-trust: warnings that are not shown: {rest}")),
    }
    kept
}

fn cut(mut warning: String) -> String {
    if warning.len() > MAX_WARNING {
        let end = warning.floor_char_boundary(MAX_WARNING.saturating_sub('…'.len_utf8()));
        warning.truncate(end);
        warning.push('…');
    }
    warning
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_fit_what_the_api_server_passes_on() {
        let rows: &[(Vec<String>, usize, &str)] = &[
            (vec![], 0, "none"),
            (vec!["a".into(), "b".into()], 2, "short ones stay"),
            (vec!["é".repeat(200)], 1, "a long one is cut between characters"),
            (vec!["x".repeat(300); 100], 16, "many are counted"),
        ];
        for (warnings, expected, why) in rows {
            let kept = bounded(warnings.clone());
            assert_eq!(kept.len(), *expected, "{why}");
            assert!(kept.iter().all(|warning| warning.len() <= MAX_WARNING), "{why}");
            assert!(kept.iter().map(String::len).sum::<usize>() <= MAX_WARNINGS, "{why}");
        }
        let many = bounded(vec!["x".repeat(300); 100]);
        assert_eq!(many.last().map(String::as_str), Some("image-trust: warnings that are not shown: 85"));
    }
}
