//! What becomes of each validator: who may sign, and which of them can be carried?

use image_trust::PublicKey;
use serde_json::{Map, Value};

use super::{
    report::{Report, quoted},
    settings::{TrustRoot, Validator},
};

/// The validator of rules that can't be carried.
pub(super) const DENIES: &str = "not-migrated";

const REGISTRIES: &str =
    "is Connaisseur's access to a registry, and here the policy server asks registries, for all its policies";

/// A validator of Connaisseur's, as rules find it.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) name: String,
    pub(super) says: Says,
}

#[derive(Debug)]
pub(super) enum Says {
    Static(bool),
    /// Everybody whom the validator lists, those that can't be carried too.
    Signed(Vec<Root>),
    /// Why its rules deny.
    Lost(String),
}

#[derive(Debug)]
pub(super) struct Root {
    pub(super) name: String,
    /// The key, or what stands in its way.
    pub(super) key: Result<Key, String>,
}

#[derive(Debug)]
pub(super) struct Key {
    key: PublicKey,
    text: String,
    /// Under which name it is carried: that of the first one with this key.
    pub(super) signer: String,
}

/// Reads the validators; those of them that can be carried are found in the settings.
pub(super) fn read(list: &[Value], report: &mut Report) -> (Vec<Source>, Vec<Validator>) {
    let mut sources: Vec<Source> = Vec::new();
    let mut carried = Vec::new();
    for (i, value) in list.iter().enumerate() {
        let path = format!("application.validators[{i}]");
        let Some(map) = value.as_object() else {
            report.refused(
                &path,
                "is no mapping; Connaisseur does not start with it",
                "write a validator, or remove it",
            );
            continue;
        };
        let Some(name) = map.get("name").and_then(Value::as_str).filter(|name| !name.is_empty()) else {
            report.refused(
                &path,
                "has no name; Connaisseur does not start with it",
                "give it the name that its rules use",
            );
            continue;
        };
        if sources.iter().any(|source| source.name == name) {
            report.note(
                &path,
                format!("is another validator called {}. Connaisseur takes the first one, so this one never decided, and is left out", quoted(name)),
                "look whether the rules that name it were meant for this one",
            );
            continue;
        }
        let says = says(map, &path, report);
        let kind = match &says {
            Says::Static(approve) => Some(Validator::fixed(name, *approve)),
            Says::Signed(roots) => {
                let kept = roots.iter().filter_map(|root| Some((&root.name, root.key.as_ref().ok()?)));
                let kept = kept.filter(|(name, key)| **name == key.signer);
                let trust_roots =
                    kept.map(|(name, key)| TrustRoot { name: name.clone(), key: key.text.clone() }).collect();
                Some(Validator { name: name.to_owned(), kind: "cosign", approve: None, trust_roots })
            }
            Says::Lost(_) => None,
        };
        carried.extend(kind);
        sources.push(Source { name: name.to_owned(), says });
    }
    (sources, carried)
}

fn says(map: &Map<String, Value>, path: &str, report: &mut Report) -> Says {
    let kind = map.get("type").and_then(Value::as_str).unwrap_or_default();
    let known: &[&str] = match kind {
        "static" => &["approve"],
        "cosign" => &["trustRoots", "host", "cert", "auth"],
        "notaryv1" | "notation" => &["trustRoots", "host", "cert", "auth"],
        _ => &[],
    };
    let unknown = map.keys().find(|key| !["name", "type"].contains(&key.as_str()) && !known.contains(&key.as_str()));
    if let Some(key) = unknown.filter(|_| !known.is_empty()) {
        report.refused(
            &format!("{path}.{key}"),
            format!("is no key of {kind} validators; Connaisseur does not start with it, so nobody knows what it would do. The rules of this validator deny"),
            "remove it, or correct its spelling, and run this again",
        );
        return Says::Lost(format!("its key {} is not known", quoted(key)));
    }
    surroundings(map, kind, path, report);
    match kind {
        "static" => match map.get("approve") {
            Some(Value::Bool(approve)) => Says::Static(*approve),
            None | Some(Value::Null) => {
                report.note(
                    &format!("{path}.approve"),
                    "is not there, which Connaisseur takes for false; here it is written out",
                    "nothing",
                );
                Says::Static(false)
            }
            Some(_) => {
                report.refused(&format!("{path}.approve"), "is no bool; its rules deny", "write true or false");
                Says::Lost("its `approve` is no bool".to_owned())
            }
        },
        "cosign" => signed(map, path, report),
        "notaryv1" => {
            report.refused(
                path,
                "is Docker Content Trust, which is not here: the metadata lies on a server that a policy can't ask. Its rules deny",
                "have the images signed with cosign, and give the public key; Docker shuts its own Notary down on 2026-12-08",
            );
            Says::Lost("notaryv1 validators can't be carried".to_owned())
        }
        "notation" => {
            report.refused(
                path,
                "is Notation, which is not here yet. Its rules deny",
                "have the images signed with cosign as well, and give the public key",
            );
            Says::Lost("notation validators can't be carried".to_owned())
        }
        other => {
            report.refused(
                path,
                format!(
                    "has the type {}, which Connaisseur 3 does not know and does not start with. Its rules deny",
                    quoted(other)
                ),
                "write static or cosign",
            );
            Says::Lost("its type is not known".to_owned())
        }
    }
}

/// What a validator says of registries and servers.
fn surroundings(map: &Map<String, Value>, kind: &str, path: &str, report: &mut Report) {
    let is_there = |key: &str| map.get(key).is_some_and(|value| !value.is_null());
    if is_there("auth") {
        report.dropped(
            &format!("{path}.auth"),
            format!("{REGISTRIES}. A Pod's own imagePullSecrets are not used either: what the policy server may not read is denied with 503"),
            "put the credentials of every registry into one docker-registry secret, and name it as `imagePullSecret` of the PolicyServer",
        );
    }
    if is_there("cert") {
        report.dropped(
            &format!("{path}.cert"),
            REGISTRIES,
            "put the certificate into `sourceAuthorities` of the PolicyServer, under the registry's host",
        );
    }
    if is_there("host") && kind == "cosign" {
        report.dropped(
            &format!("{path}.host"),
            "names a transparency log and its keys, which nothing here looks at: a signature by a public key is proven by that key alone",
            "nothing; a log of your own is told together with keyless signatures, once these are here",
        );
    }
}

fn signed(map: &Map<String, Value>, path: &str, report: &mut Report) -> Says {
    let list = map.get("trustRoots").and_then(Value::as_array).filter(|list| !list.is_empty());
    let Some(list) = list else {
        report.refused(
            &format!("{path}.trustRoots"),
            "is missing or empty; Connaisseur does not start with it. Its rules deny",
            "list who may sign",
        );
        return Says::Lost("it has no trust roots".to_owned());
    };
    let mut roots: Vec<Root> = Vec::new();
    for (i, value) in list.iter().enumerate() {
        let path = format!("{path}.trustRoots[{i}]");
        let name = value.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let mut key = if roots.iter().any(|root| root.name == name) || matches!(&*name, "" | "*") {
            Err((
                format!("is called {}, which no rule can name here, or another one is", quoted(&name)),
                "give every trust root a name of its own",
            ))
        } else {
            key_of(value)
        };
        if let Ok(key) = &mut key {
            key.signer = name.clone();
            let same = roots.iter().filter_map(|root| root.key.as_ref().ok()).find(|other| other.key == key.key);
            if let Some(other) = same {
                key.signer = other.signer.clone();
                report.changed(
                    &path,
                    format!(
                        "has the key of {}. One key is one signer here, so both names stand for one vote",
                        quoted(&other.signer)
                    ),
                    "remove one of them; look at the thresholds of the rules of this validator",
                );
            }
        }
        let key = key.map_err(|(why, todo)| {
            report.refused(&path, format!("{why}. Rules that need it deny"), todo);
            why
        });
        roots.push(Root { name, key });
    }
    if roots.iter().all(|root| root.key.is_err()) {
        return Says::Lost("none of its trust roots can be carried".to_owned());
    }
    Says::Signed(roots)
}

/// The key of a trust root, or why there is none and what to do.
fn key_of(value: &Value) -> Result<Key, (String, &'static str)> {
    const KEY: &str = "have the images signed with a key as well, and give its public key as `key`";
    let has = |key: &str| value.get(key).is_some_and(|value| !value.is_null());
    if has("keyless") {
        return Err(("is keyless, which is not here yet".to_owned(), KEY));
    }
    if has("cert") || has("tsCert") {
        return Err(("is a certificate, which is not here yet".to_owned(), KEY));
    }
    let known = |key: &String| matches!(key.as_str(), "name" | "key" | "keyless" | "cert");
    if let Some(key) = value.as_object().into_iter().flat_map(Map::keys).find(|key| !known(key)) {
        return Err((
            format!("has the key {}, with which Connaisseur does not start", quoted(key)),
            "remove it, or correct its spelling",
        ));
    }
    let text = value.get("key").and_then(Value::as_str).unwrap_or_default().trim();
    if !text.starts_with("-----BEGIN ") && !text.is_empty() {
        let (place, how) = match text.split_once("://") {
            Some(("k8s", _)) => (
                "in a Kubernetes secret",
                "kubectl get secret NAME -n NAMESPACE -o jsonpath='{.data.cosign\\.pub}' | base64 -d prints it: put it here as `key`",
            ),
            Some(("http" | "https", _)) => {
                ("behind a URL", "fetch it over a channel that you trust, once, and put the PEM text here as `key`")
            }
            Some(_) => {
                ("in a KMS or outside", "cosign public-key --key REFERENCE prints the public key: put it here as `key`")
            }
            None => ("in a file of Connaisseur's Pod", "put the PEM text here as `key`"),
        };
        return Err((format!("has its key {place} ({}), which a policy can't fetch", quoted(text)), how));
    }
    match PublicKey::parse(text) {
        Ok(key) => Ok(Key { key, text: format!("{text}\n"), signer: String::new() }),
        Err(error) => {
            Err((format!("has a key that can't be used: it {error}"), "give a public key that docs/settings.md lists"))
        }
    }
}
