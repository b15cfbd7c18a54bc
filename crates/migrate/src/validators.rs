//! What becomes of each validator: who may sign, and which of them can be carried?

use image_trust::PublicKey;
use serde_json::{Map, Value};

use super::{
    identities::{self, Loose},
    notary, notation,
    report::{Report, quoted},
    settings::{Host, Instance, Signs, TrustRoot, Validator},
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
    /// Everybody whom the validator lists, those that can't be carried too; and the instance that they sign with.
    Signed(Vec<Root>, Instance),
    /// Everybody whose repositories of Docker Content Trust count, and the address of the notary server.
    NotaryV1(Vec<Root>, Option<String>),
    /// Everybody whose signatures of Notation count.
    Notation(Vec<Root>),
    /// The validator is lost, so its rules deny, for this reason.
    Lost(String),
}

#[derive(Debug)]
pub(super) struct Root {
    pub(super) name: String,
    /// The signer, or the reason for which the trust root cannot be carried over.
    pub(super) who: Result<Who, String>,
}

#[derive(Debug)]
pub(super) struct Who {
    signs: Signs,
    /// The key, if it is one: it can be written in many ways.
    key: Option<PublicKey>,
    /// Under which name it is carried: that of the first one who is the same.
    pub(super) signer: String,
}

impl Who {
    /// Whoever makes these signatures.
    pub(super) fn of(signs: Signs) -> Who {
        Who { signs, key: None, signer: String::new() }
    }

    /// What makes the signatures, in one word.
    fn noun(&self) -> &'static str {
        match self.signs {
            Signs::Key(_) => "key",
            Signs::Keyless(_) => "identity",
            Signs::Certificates { .. } => "certificate",
        }
    }

    fn is_same(&self, other: &Who) -> bool {
        match (&self.key, &other.key) {
            (Some(key), Some(other)) => key == other,
            _ => self.signs == other.signs,
        }
    }

    pub(super) fn is_keyless(&self) -> bool {
        matches!(self.signs, Signs::Keyless(_))
    }
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
            Says::Signed(roots, host) => Some(carried_as(name, "cosign", roots, Host::Instance(host.clone()))),
            Says::NotaryV1(roots, server) => Some(carried_as(name, "notaryv1", roots, Host::Server(server.clone()))),
            Says::Notation(roots) => Some(carried_as(name, "notation", roots, Host::Server(None))),
            Says::Lost(_) => None,
        };
        carried.extend(kind);
        sources.push(Source { name: name.to_owned(), says });
    }
    (sources, carried)
}

/// The validator with those trust roots that can be carried.
fn carried_as(name: &str, kind: &'static str, roots: &[Root], host: Host) -> Validator {
    let kept = roots.iter().filter_map(|root| Some((&root.name, root.who.as_ref().ok()?)));
    let kept = kept.filter(|(name, who)| **name == who.signer);
    let trust_roots = kept.map(|(name, who)| TrustRoot { name: name.clone(), signs: who.signs.clone() }).collect();
    Validator { name: name.to_owned(), kind, approve: None, trust_roots, host }
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
        "notaryv1" => match notary::server(map, path, report) {
            Err(why) => Says::Lost(why),
            Ok(server) => match trust_roots(map, path, who, report) {
                Err(why) => Says::Lost(why),
                Ok(roots) => match notary::keys_only(roots, path, report) {
                    roots if roots.iter().all(|root| root.who.is_err()) => Says::Lost(NOBODY.to_owned()),
                    roots => Says::NotaryV1(roots, server),
                },
            },
        },
        "notation" => match trust_roots(map, path, notation::who, report) {
            Err(why) => Says::Lost(why),
            Ok(roots) if roots.iter().all(|root| root.who.is_err()) => Says::Lost(NOBODY.to_owned()),
            Ok(roots) => {
                notation::tell(path, report);
                Says::Notation(roots)
            }
        },
        other => {
            report.refused(
                path,
                format!(
                    "has the type {}, which Connaisseur 3 does not know and does not start with. Its rules deny",
                    quoted(other)
                ),
                "write static, cosign, notation or notaryv1",
            );
            Says::Lost("its type is not known".to_owned())
        }
    }
}

/// Reports the settings of a validator about registries and servers.
fn surroundings(map: &Map<String, Value>, kind: &str, path: &str, report: &mut Report) {
    let is_there = |key: &str| map.get(key).is_some_and(|value| !value.is_null());
    if kind == "notaryv1" {
        let flags = [
            ("auth", "--docker-config-json-path, with the credentials in a Docker config.json"),
            ("cert", "--sources-path, with the certificate in `source_authorities`"),
        ];
        for (key, flag) in flags.into_iter().filter(|(key, _)| is_there(key)) {
            report.dropped(
                &format!("{path}.{key}"),
                "is Connaisseur's access to the notary server, and here only `image-trust collect --notary` asks it",
                format!("give that command {flag}"),
            );
        }
        return;
    }
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
}

/// The reason for which a validator is lost without trust roots.
const NOBODY: &str = "none of its trust roots can be carried";

fn signed(map: &Map<String, Value>, path: &str, report: &mut Report) -> Says {
    let instance = match instance(map, path, report) {
        Ok(instance) => instance,
        Err(why) => return Says::Lost(why),
    };
    let roots = match trust_roots(map, path, who, report) {
        Ok(roots) => roots,
        Err(why) => return Says::Lost(why),
    };
    if roots.iter().all(|root| root.who.is_err()) {
        return Says::Lost(NOBODY.to_owned());
    }
    if roots.iter().any(|root| root.who.as_ref().is_ok_and(Who::is_keyless)) {
        tell_keyless(&instance, path, report);
    }
    Says::Signed(roots, instance)
}

/// Everybody whom a validator lists, or the reason for which its rules deny.
fn trust_roots(
    map: &Map<String, Value>,
    path: &str,
    who: fn(&Value, &str, &mut Report) -> Result<Who, (String, &'static str)>,
    report: &mut Report,
) -> Result<Vec<Root>, String> {
    let list = map.get("trustRoots").and_then(Value::as_array).filter(|list| !list.is_empty());
    let Some(list) = list else {
        report.refused(
            &format!("{path}.trustRoots"),
            "is missing or empty; Connaisseur does not start with it. Its rules deny",
            "list who may sign",
        );
        return Err("it has no trust roots".to_owned());
    };
    let mut roots: Vec<Root> = Vec::new();
    for (i, value) in list.iter().enumerate() {
        let path = format!("{path}.trustRoots[{i}]");
        let name = value.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let mut who = if roots.iter().any(|root| root.name == name) || matches!(&*name, "" | "*") {
            Err((
                format!("is called {}, which no rule can name here, or another one is", quoted(&name)),
                "give every trust root a name of its own",
            ))
        } else {
            who(value, &path, report)
        };
        if let Ok(who) = &mut who {
            who.signer = name.clone();
            let same = roots.iter().filter_map(|root| root.who.as_ref().ok()).find(|other| other.is_same(who));
            if let Some(other) = same {
                who.signer = other.signer.clone();
                let what = who.noun();
                report.changed(
                    &path,
                    format!(
                        "has the {what} of {}. One {what} is one signer here, so both names stand for one vote",
                        quoted(&other.signer)
                    ),
                    "remove one of them; look at the thresholds of the rules of this validator",
                );
            }
        }
        let who = who.map_err(|(why, todo)| {
            report.refused(&path, format!("{why}. Rules that need it deny"), todo);
            why
        });
        roots.push(Root { name, who });
    }
    Ok(roots)
}

/// What Connaisseur's `host` says of an instance of Sigstore, or why its rules deny.
fn instance(map: &Map<String, Value>, path: &str, report: &mut Report) -> Result<Instance, String> {
    let path = format!("{path}.host");
    let host = match map.get("host").filter(|host| !host.is_null()) {
        None => return Ok(Instance::default()),
        Some(Value::Object(host)) => host,
        Some(_) => {
            report.refused(
                &path,
                "is no mapping; Connaisseur does not start with it. Its rules deny",
                "correct it, and run this again",
            );
            return Err("its `host` is no mapping".to_owned());
        }
    };
    let known = ["rekor", "rekorPubkey", "fulcioCert", "ctLogPubkey"];
    if let Some(key) = host.keys().find(|key| !known.contains(&key.as_str())) {
        report.refused(
            &format!("{path}.{key}"),
            "is no key of `host`; Connaisseur does not start with it. The rules of this validator deny",
            "remove it, or correct its spelling, and run this again",
        );
        return Err(format!("its `host` has the key {}", quoted(key)));
    }
    if host.get("rekor").is_some_and(|url| !url.is_null()) {
        report.dropped(
            &format!("{path}.rekor"),
            "is where Connaisseur looks for entries that are not beside the signature. Here no log is asked: the entry has to lie beside it, where cosign puts it",
            "sign again what has none (cosign sign --tlog-upload=true)",
        );
    }
    let mut read = |key: &str| match host.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        given => {
            let text = given.and_then(Value::as_str);
            let why = match text {
                Some(text) => identities::refused_host(key, text),
                None => Some("is no text".to_owned()),
            };
            match (text, why) {
                (Some(text), None) => Ok(Some(text.to_owned())),
                (_, why) => {
                    let what =
                        format!("can't be used: it {}. The rules of this validator deny", why.unwrap_or_default());
                    report.refused(&format!("{path}.{key}"), what, "give what docs/reference/settings.md lists");
                    Err(format!("its `host` has a {key} that can't be used"))
                }
            }
        }
    };
    Ok(Instance {
        fulcio_cert: read("fulcioCert")?,
        rekor_pubkey: read("rekorPubkey")?,
        ct_log_pubkey: read("ctLogPubkey")?,
    })
}

/// Reports what the policy requires of every keyless signature and Connaisseur does not.
fn tell_keyless(instance: &Instance, path: &str, report: &mut Report) {
    let path = format!("{path}.trustRoots");
    report.changed(
        &path,
        "has keyless trust roots. Their signatures must meet more conditions here: they name the image's own repository, have their log entry beside them, and have a certificate with exactly one name. Where only the `.sig` tag is read, they carry exactly the annotations of the rule",
        "for images that were copied from elsewhere say with `identities` as what they were signed",
    );
    let Instance { fulcio_cert, rekor_pubkey, ct_log_pubkey } = instance;
    let lacks = [("CAs", fulcio_cert), ("log", rekor_pubkey), ("CT log", ct_log_pubkey)];
    let lacks: Vec<&str> = lacks.into_iter().filter(|(_, given)| given.is_none()).map(|(what, _)| what).collect();
    if !lacks.is_empty() {
        let what = format!(
            "needs the public-good instance's {}, which Connaisseur fetches, and the policy carries as of the day on which it was made",
            lacks.join(" and ")
        );
        report.changed(&path, what, "`image-trust lint` tells how old they are; `trustedRoot` gives newer ones");
    }
}

/// Whom a trust root names, or why it can't be carried and what to do.
fn who(value: &Value, path: &str, report: &mut Report) -> Result<Who, (String, &'static str)> {
    let has = |key: &str| value.get(key).is_some_and(|value| !value.is_null());
    if has("cert") || has("tsCert") {
        return Err((
            "is a certificate, which only notation validators have".to_owned(),
            "give a public key as `key`, or make it a validator of type notation",
        ));
    }
    let known = |key: &String| matches!(key.as_str(), "name" | "key" | "keyless" | "cert");
    if let Some(key) = value.as_object().into_iter().flat_map(Map::keys).find(|key| !known(key)) {
        return Err((
            format!("has the key {}, with which Connaisseur does not start", quoted(key)),
            "remove it, or correct its spelling",
        ));
    }
    let Some(keyless) = value.get("keyless").filter(|keyless| !keyless.is_null()) else { return key_of(value) };
    if has("key") {
        return Err((
            "has a key and is keyless, with which Connaisseur does not start".to_owned(),
            "make them two trust roots",
        ));
    }
    let (keyless, loose) = identities::read(keyless)
        .map_err(|why| (why, "write an expression that both read alike, or the name in full"))?;
    for Loose { key, written, carried } in loose {
        let what = format!(
            "{} is only searched for in a name: names that merely contain it pass there, and so do they here, where it is carried as {}",
            quoted(&written),
            quoted(&carried)
        );
        let todo =
            "write what the whole name is, from `^` to `$`: whoever can choose a part of a name can put this into it";
        report.changed(&format!("{path}.keyless.{key}"), what, todo);
    }
    Ok(Who { signs: Signs::Keyless(keyless), key: None, signer: String::new() })
}

fn key_of(value: &Value) -> Result<Who, (String, &'static str)> {
    let text = value.get("key").and_then(Value::as_str).unwrap_or_default();
    match PublicKey::parse(text) {
        Ok(key) => {
            let pem = format!("{}\n", key.pem());
            Ok(Who { signs: Signs::Key(pem), key: Some(key), signer: String::new() })
        }
        Err(error) => {
            Err((format!("has a key that can't be used: it {error}"), "put the public key in PEM here as `key`"))
        }
    }
}
