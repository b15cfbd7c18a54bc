//! What becomes of validators for Notation, and of the options of their rules?

use serde_json::{Map, Value};

use super::{
    report::{Report, quoted},
    settings::{Signs, With},
    validators::Who,
};

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// Tells what is different for a validator that is carried.
pub(super) fn tell(path: &str, report: &mut Report) {
    report.changed(
        path,
        "is carried. Connaisseur fetches signatures, revocation lists and OCSP responses for each request. Here they have to be collected into the registry beforehand",
        "collect them after signing, and daily if certificates name revocation lists or OCSP servers: image-trust collect --crl IMAGE (deploy/collect-cronjob.yaml); docs/guides/notation.md",
    );
}

/// The certificates of a trust root, or the reason for which they cannot be carried and what to do.
pub(super) fn who(value: &Value, path: &str, report: &mut Report) -> Result<Who, (String, &'static str)> {
    let known = |key: &String| matches!(key.as_str(), "name" | "cert" | "tsCert");
    if let Some(key) = value.as_object().into_iter().flat_map(Map::keys).find(|key| !known(key)) {
        return Err((
            format!("has the key {}, with which Connaisseur does not start", quoted(key)),
            "remove it, or correct its spelling",
        ));
    }
    let mut first = |key: &str| match value.get(key).map(|text| text.as_str().unwrap_or("?")) {
        None | Some("") => Ok(None),
        Some(text) => match text.split_once(BEGIN).and_then(|(_, rest)| rest.split_once(END)) {
            Some((body, rest)) => {
                if rest.contains(BEGIN) {
                    report.changed(
                        &format!("{path}.{key}"),
                        "has several certificates, of which Connaisseur reads the first one; so only that one is carried",
                        "add the others if they were meant to count",
                    );
                }
                Ok(Some(format!("{BEGIN}{body}{END}\n")))
            }
            None => Err((
                format!("has a `{key}` that is no PEM certificate, with which Connaisseur denies"),
                "write the certificate in PEM",
            )),
        },
    };
    let (cert, ts_cert) = (first("cert")?, first("tsCert")?);
    let cert =
        cert.ok_or(("has no certificate, with which Connaisseur does not start".to_owned(), "write its `cert`"))?;
    Ok(Who::of(Signs::Certificates { cert, ts_cert }))
}

/// What the options of a rule (`with`) ask for, without those about the signers. It is `None` if they cannot be carried.
pub(super) fn options(with: &Map<String, Value>, path: &str, report: &mut Report) -> Option<With> {
    let before = report.refusals();
    let mut word = |key: &str, words: &[&'static str]| {
        let text = with.get(key).filter(|value| !value.is_null()).map(|value| value.as_str().unwrap_or("?"));
        let known = words.iter().find(|word| Some(**word) == text).copied();
        if text.is_some_and(|text| !text.is_empty()) && known.is_none() {
            report.refused(
                &format!("{path}.with.{key}"),
                format!("is none of {}; Connaisseur does not start with it. The rule denies", words.join(", ")),
                "correct it and run this again",
            );
        }
        known
    };
    let verification_level = word("verificationLevel", &["strict", "permissive", "audit"]);
    let verify_timestamp = word("verifyTimestamp", &["always", "afterCertExpiry"]);
    if verification_level == Some("audit") {
        report.note(
            &format!("{path}.with.verificationLevel"),
            "is carried: both admit a signature by anybody at all",
            "use it only to see what is signed",
        );
    }
    for key in with.keys().filter(|key| {
        ["threshold", "required", "verifyInTransparencyLog", "verifySCT", "delegations"].contains(&key.as_str())
    }) {
        report.note(
            &format!("{path}.with.{key}"),
            "is left out: Connaisseur does not look at it for notation, where one signature of one trust root is enough",
            "nothing",
        );
    }
    (report.refusals() == before).then_some(With { verification_level, verify_timestamp, ..With::default() })
}
