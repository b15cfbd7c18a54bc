//! What does an in-toto statement say, and about which image?
//!
//! The format is that of the in-toto attestation framework, "Statement" (v1 and v0.1). A statement is about an image if one of its subjects has exactly the image's
//! SHA-256. Names, other hashes and parts of a digest decide nothing.

use serde_json::value::RawValue;

use super::subject::{Subject, texts};
use crate::{
    image::Digest,
    json::{entries, members, text},
};

/// The predicate type with which cosign 3 signs an image. A statement with any other predicate type is an attestation, which is never a signature.
pub(crate) const COSIGN_SIGN: &str = "https://sigstore.dev/cosign/sign/v1";
/// The only payload type of DSSE that is read (in-toto attestation framework, "Envelope").
pub(crate) const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

const TYPES: [&str; 2] = ["https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1"];
/// The most subjects of a statement.
const MAX_SUBJECTS: usize = 1_024;
/// The name of the digest algorithm, which also begins a digest that is written as one text.
const SHA256: &str = "sha256";

/// A statement about an image. Who signed it is not verified here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Statement {
    pub(crate) predicate_type: String,
    pub(crate) subject: Subject,
}

/// The reason for which a payload is not a statement about the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StatementError {
    /// The payload does not have the form of a statement of a known version.
    Form,
    /// None of the statement's subjects is the image.
    Subject,
}

impl Statement {
    /// Reads the payload of a DSSE envelope as a statement about `image`.
    pub(crate) fn read(payload: &[u8], image: Digest) -> Result<Statement, StatementError> {
        let form = StatementError::Form;
        let json: &RawValue = serde_json::from_slice(payload).map_err(|_| form)?;
        // The predicate is read later. If it is there twice, nobody can tell which one counts.
        let [kind, subjects, predicate_type, _] =
            members(json, ["_type", "subject", "predicateType", "predicate"]).map_err(|_| form)?;
        let text_of = |json: Option<&RawValue>| Some(text(json?).ok()?.into_owned());
        if !text_of(kind).is_some_and(|kind| TYPES.contains(&&*kind)) {
            return Err(form);
        }
        let predicate_type = text_of(predicate_type).ok_or(form)?;
        let subjects = entries(subjects.ok_or(form)?).map_err(|_| form)?;
        if subjects.len() > MAX_SUBJECTS {
            return Err(form);
        }
        let is_image = |digest: &RawValue| {
            let [hex] = members(digest, [SHA256]).ok()?;
            let hex = text_of(hex)?;
            Some(Digest::parse(&format!("{SHA256}:{hex}")).ok()? == image)
        };
        for subject in subjects {
            let [name, digest, annotations] = members(subject, ["name", "digest", "annotations"]).map_err(|_| form)?;
            if digest.and_then(is_image) == Some(true) {
                let subject = Subject {
                    name: text_of(name).filter(|name| !name.is_empty()),
                    annotations: texts(annotations).ok_or(form)?,
                    is_named: false,
                };
                return Ok(Statement { predicate_type, subject });
            }
        }
        Err(StatementError::Subject)
    }
}

/// The predicate of a statement, as it stands in the payload. It is `None` if there is none.
pub(crate) fn predicate(payload: &[u8]) -> Option<&RawValue> {
    let json: &RawValue = serde_json::from_slice(payload).ok()?;
    members(json, ["predicate"]).ok()?[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements() {
        let image = Digest::of(b"image");
        let hex = image.to_string().replace("sha256:", "");
        let of = |kind: &str, subject: &str| {
            format!(
                r#"{{"_type":"{kind}","subject":{subject},"predicateType":"https://a.example/p","predicate":{{}}}}"#
            )
        };
        let v1 = |subject: &str| of("https://in-toto.io/Statement/v1", subject);
        let named = |name: &str| v1(&format!(r#"[{{"name":"{name}","digest":{{"sha256":"{hex}"}}}}]"#));
        let (form, subject) = (Err(StatementError::Form), Err(StatementError::Subject));
        let rows: Vec<(String, Result<Option<&str>, StatementError>, &str)> = vec![
            (named("acme/app"), Ok(Some("acme/app")), "a subject with a name"),
            (named(""), Ok(None), "an empty name is none"),
            (
                of("https://in-toto.io/Statement/v0.1", &format!(r#"[{{"digest":{{"sha256":"{hex}"}}}}]"#)),
                Ok(None),
                "version 0.1",
            ),
            (
                v1(&format!(
                    r#"[{{"digest":{{"sha256":"{}"}}}},{{"name":"b","digest":{{"sha256":"{hex}"}}}}]"#,
                    "0".repeat(64)
                )),
                Ok(Some("b")),
                "the second of two",
            ),
            (
                v1(&format!(r#"[{{"digest":{{"sha512":"00","sha256":"{hex}"}}}}]"#)),
                Ok(None),
                "another hash beside it says nothing",
            ),
            (v1(&format!(r#"[{{"digest":{{"sha512":"{hex}"}}}}]"#)), subject, "the same digits of another hash"),
            (
                v1(&format!(r#"[{{"name":"{image}","digest":{{"sha256":"{}"}}}}]"#, "0".repeat(64))),
                subject,
                "by name only",
            ),
            (v1(&format!(r#"[{{"digest":{{"sha256":"{}"}}}}]"#, &hex[..32])), subject, "the beginning of the digest"),
            (v1(&format!(r#"[{{"digest":{{"sha256":"{}"}}}}]"#, hex.to_uppercase())), subject, "in capital letters"),
            (v1("[]"), subject, "no subject"),
            (v1(r#"{"digest":{}}"#), form, "a subject that is no list"),
            (v1(r#"["a"]"#), form, "a subject that is no object"),
            (of("https://in-toto.io/Statement/v2", "[]"), form, "another version"),
            (of("https://in-toto.io/Statement/v1/", "[]"), form, "another type"),
            (named("a").replace("predicateType", "predicatetype"), form, "no predicate type"),
            (named("a").replace(r#""predicate":{}"#, r#""predicateType":"b""#), form, "two predicate types"),
            (named("a").replace(r#""name":"a""#, r#""name":"a","name":"b""#), form, "two names"),
            ("[]".to_owned(), form, "a list"),
            ("x".to_owned(), form, "no JSON"),
        ];
        for (json, expected, why) in rows {
            let read = Statement::read(json.as_bytes(), image).map(|statement| statement.subject.name);
            assert_eq!(read, expected.map(|name| name.map(str::to_owned)), "{why}: {json}");
        }
    }
}
