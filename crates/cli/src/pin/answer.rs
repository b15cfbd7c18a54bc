//! What did the module say about an image?

use image_trust::{Digest, ImageRef};
use image_trust_host::Evaluation;
use image_trust_manifests::pin::Target;
use serde_json::Value;

use crate::evaluation::NAMESPACE;

/// An image in a namespace, about which the module is asked once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Question {
    pub(super) namespace: String,
    pub(super) image: String,
}

/// The module's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// A signature proves that the image has this digest.
    Proven(Digest),
    /// The image is admitted, and nothing is proven.
    Admitted,
    /// The image is denied, and why.
    Denied(String),
    /// The module could not tell, and why.
    Unknown(String),
}

impl Question {
    /// The questions about an image: one about itself, and one about its tag, if it has a digest, too.
    pub(super) fn of(target: &Target) -> impl Iterator<Item = Question> + use<> {
        [Some(Question::about(target, &target.image)), Question::of_tag(target)].into_iter().flatten()
    }

    pub(super) fn about(target: &Target, image: &str) -> Question {
        let namespace = target.namespace.clone().unwrap_or_else(|| NAMESPACE.to_owned());
        Question { namespace, image: image.to_owned() }
    }

    /// The question to what the tag points, for an image with tag and digest.
    pub(super) fn of_tag(target: &Target) -> Option<Question> {
        let image = ImageRef::parse(&target.image).ok()?;
        let (Some(_), Some(_)) = (image.tag(), image.digest()) else { return None };
        image.written().split_once('@').map(|(tagged, _)| Question::about(target, tagged))
    }
}

impl Answer {
    /// The answer that an evaluation of a Pod with one image is.
    pub(super) fn of(evaluation: &Evaluation) -> Answer {
        let response = &evaluation.response;
        let record = response.audit_annotations.as_ref().and_then(|records| records.get("image-0"));
        let record: Option<Value> = record.and_then(|record| serde_json::from_str(record).ok());
        let word = |key: &str| record.as_ref().and_then(|record| record.get(key)).and_then(Value::as_str);
        let status = response.status.clone().unwrap_or_default();
        let why = || {
            let words = [word("reason"), word("cause")].into_iter().flatten().collect::<Vec<_>>().join(", ");
            let said = status.message.as_deref().map(reason).filter(|reason| !reason.is_empty());
            said.unwrap_or(if words.is_empty() { "the policy gave no reason".to_owned() } else { words })
        };
        match (response.allowed, word("verdict"), status.code) {
            (true, Some("proven"), _) => match word("digest").map(Digest::parse) {
                Some(Ok(digest)) => Answer::Proven(digest),
                _ => Answer::Unknown("the policy's record of a proven image has no digest".to_owned()),
            },
            (true, Some("allowed" | "exception"), _) => Answer::Admitted,
            (false, Some("denied"), Some(400..500)) => Answer::Denied(why()),
            _ => Answer::Unknown(why()),
        }
    }
}

/// The reason in a denial of one image, without the lines that name the object and the image.
fn reason(message: &str) -> String {
    let lines: Vec<&str> = message.lines().map(str::trim).collect();
    match lines.as_slice() {
        [_, _, reason @ ..] if !reason.is_empty() => reason.join("; "),
        _ => lines.join("; "),
    }
}
