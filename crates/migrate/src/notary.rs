//! What becomes of validators for Docker Content Trust, and of the options of their rules?

use serde_json::{Map, Value};

use super::{
    report::{Report, quoted},
    validators::{Root, Who},
};

/// The server that Connaisseur asks if the values name none.
const HUBS_NOTARY: &str = "notary.docker.io";
/// How a delegation of the first level can be called.
const MAX_NAME: usize = 128;
/// The most delegations that a rule can ask for here.
const MAX_DELEGATIONS: usize = 16;

/// The address of the notary server, if the values name one, or the reason for which rules deny.
pub(super) fn server(map: &Map<String, Value>, path: &str, report: &mut Report) -> Result<Option<String>, String> {
    let server = match map.get("host") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) if text.is_empty() => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(_) => {
            report.refused(
                &format!("{path}.host"),
                "is no text; Connaisseur does not start with it. Its rules deny",
                "write the address of the notary server, and run this again",
            );
            return Err("its `host` is no text".to_owned());
        }
    };
    let host = server.as_deref().unwrap_or(HUBS_NOTARY);
    report.changed(
        path,
        "is carried. Connaisseur asks the notary server for each request. Here its answer has to be collected into the registry beforehand, and to be renewed at least every two weeks; the root certificate has to have the name of the repository",
        format!("collect it every ten minutes: image-trust collect --notary {host} IMAGE (deploy/collect-notary-cronjob.yaml); docs/guides/docker-content-trust.md"),
    );
    if host.ends_with(HUBS_NOTARY) {
        report.changed(
            &format!("{path}.host"),
            "is Docker Hub's notary server, which ends on 2026-12-08. What is collected until then expires within 14 days, and then its rules deny",
            "have the images signed with cosign, and give the public key in a cosign validator; or allow them by name, and say so to yourself; or sign with a notary server of your own",
        );
    }
    Ok(server)
}

/// The trust roots. Docker Content Trust knows keys only.
pub(super) fn keys_only(roots: Vec<Root>, path: &str, report: &mut Report) -> Vec<Root> {
    let key = |(at, root): (usize, Root)| {
        if !root.who.as_ref().is_ok_and(Who::is_keyless) {
            return root;
        }
        let why = "is keyless, and Docker Content Trust knows keys only";
        let path = format!("{path}.trustRoots[{at}]");
        report.refused(&path, format!("{why}. Rules that need it deny"), "give the root key of the repository");
        Root { who: Err(why.to_owned()), ..root }
    };
    roots.into_iter().enumerate().map(key).collect()
}

/// The delegations that a rule (`with`) asks for; `None` if they can't be carried.
pub(super) fn delegations(with: &Map<String, Value>, path: &str, report: &mut Report) -> Option<Vec<String>> {
    let path = format!("{path}.with.delegations");
    let refused = |report: &mut Report, what: String| {
        report.refused(&path, format!("{what}. The rule denies"), "correct it and run this again");
        None
    };
    let list = match with.get("delegations") {
        None | Some(Value::Null) => return Some(Vec::new()),
        Some(Value::Array(list)) if list.len() <= MAX_DELEGATIONS => list,
        Some(_) => return refused(report, format!("is no list of at most {MAX_DELEGATIONS} names")),
    };
    let mut names: Vec<String> = Vec::new();
    for entry in list {
        let written = entry.as_str().unwrap_or_default();
        let name = written.strip_prefix("targets/").unwrap_or(written);
        let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
        if !(1..=MAX_NAME).contains(&name.len()) || !name.bytes().all(is_letter) {
            return refused(
                report,
                format!("has {}, which is not the name of a delegation of the first level", quoted(written)),
            );
        }
        if !names.iter().any(|other| other == name) {
            names.push(name.to_owned());
        }
    }
    if !names.is_empty() {
        report.changed(
            &path,
            "is carried, and narrower: each of them has to have signed. Connaisseur searches `targets` if one of them has never signed anything",
            "make sure that each of them has signed",
        );
    }
    Some(names)
}

/// Reports the options that Connaisseur does not read for Docker Content Trust.
pub(super) fn other_options(with: &Map<String, Value>, path: &str, report: &mut Report) {
    let unread =
        ["threshold", "required", "verifyInTransparencyLog", "verifySCT", "verificationLevel", "verifyTimestamp"];
    for key in with.keys().filter(|key| unread.contains(&key.as_str())) {
        report.note(
            &format!("{path}.with.{key}"),
            "is left out: Connaisseur does not look at it for notaryv1, where everybody who is asked has to sign",
            "nothing",
        );
    }
}
