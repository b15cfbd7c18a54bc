//! The world of a row: the questions that the policy has to ask, in order, and what the host answers.
//!
//! | question | asks for |
//! |---|---|
//! | `digest IMAGE` | the digest behind a reference |
//! | `manifest IMAGE` | a manifest |
//! | `config IMAGE` | the config of a manifest |
//! | `verify IMAGE by KEY` | a signature by the key `KEY.pub`; `annotations` beside it are those that are asked for |
//! | `owner APIVERSION KIND NAMESPACE/NAME` | an object of the cluster |
//! | `may USER in NAMESPACE` | whether the user may break the glass there; `USER` is the name, and its groups after a `/`, with commas |
//!
//! | answer | means |
//! |---|---|
//! | `<1>` | this digest: of the image, or of what the host verified |
//! | `signed by alice, bob` | a signature manifest in which each of them signed this image |
//! | `{signatures: […]}` | a signature manifest with these layers, see `layer` |
//! | `{error: TEXT}` | an error; `<url>` in it is the URL that was asked |
//! | `{text: TEXT}` | exactly this text |
//! | a name | the fixture of this name, which is one of these answers |
//! | any other value | a JSON document |
//!
//! An image has no evidence manifest unless its world has one: the question for it need not be written where the answer is "not found".

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, VecDeque},
};

use image_trust::{
    Digest, ImageRef, PublicKey, answer,
    host::Permission,
    kubernetes::{API_GROUP, RESOURCE, VERB},
};
use serde::Serialize;
use serde_json::{Value, json};

use super::fixtures::Fixtures;
use crate::{
    registry::{self, payload_with, repository},
    session::{Host, Request, Response, Words},
};

/// An exchange with the host, as kwctl writes it.
#[derive(Serialize)]
#[serde(tag = "type")]
struct Exchange {
    request: String,
    response: Value,
}

/// The session that this world is for a request's payload, in kwctl's format.
pub fn session(world: &[Value], payload: &str, fixtures: &Fixtures) -> String {
    let left = world.iter().map(|item| exchange(item, fixtures)).collect();
    let weaver = Host(Weaver { left: RefCell::new(left), asked: RefCell::default(), fixtures });
    // What comes out is the test's; here only the questions are of interest.
    let _ = answer::validate(payload.as_bytes(), &weaver);
    let Weaver { left, asked, .. } = weaver.0;
    let exchanges: Vec<Exchange> = asked.into_inner().into_iter().chain(left.into_inner()).collect();
    serde_yaml::to_string(&exchanges).unwrap()
}

/// Answers as the world does, and "not found" for evidence manifests of which the world says nothing.
struct Weaver<'f> {
    left: RefCell<VecDeque<Exchange>>,
    asked: RefCell<Vec<Exchange>>,
    fixtures: &'f Fixtures,
}

impl Words for Weaver<'_> {
    fn answer(&self, request: Request) -> Result<String, String> {
        let text = serde_yaml::to_string(&request).unwrap();
        let mut left = self.left.borrow_mut();
        let exchange = match (left.front(), &request) {
            (Some(next), _) if next.request == text => left.pop_front().unwrap(),
            (_, Request::OciManifest { image }) if image.ends_with(".evidence") => {
                Exchange { request: text, response: response(&request, &json!("not-found"), self.fixtures) }
            }
            _ => return Err("the world says nothing of this".to_owned()),
        };
        let said = serde_json::from_value::<Response>(exchange.response.clone()).unwrap();
        self.asked.borrow_mut().push(exchange);
        said.into()
    }
}

fn exchange(item: &Value, fixtures: &Fixtures) -> Exchange {
    let mut fields = item.as_object().expect("an exchange is a mapping").clone();
    let annotations = fields.remove("annotations");
    let (question, answer) = fields.iter().next().expect("an exchange has a question");
    assert_eq!(fields.len(), 1, "an exchange has one question: {item}");
    let expanded = fixtures.expand(&json!([question]))[0].clone();
    let request = request(expanded.as_str().unwrap(), annotations, fixtures);
    let response = response(&request, answer, fixtures);
    Exchange { request: serde_yaml::to_string(&request).unwrap(), response }
}

fn request(question: &str, annotations: Option<Value>, fixtures: &Fixtures) -> Request {
    let image = |image: &str| image.to_owned();
    match question.split(' ').collect::<Vec<_>>()[..] {
        ["digest", name] => Request::OciManifestDigest { image: image(name) },
        ["manifest", name] => Request::OciManifest { image: image(name) },
        ["config", name] => Request::OciManifestAndConfig { image: image(name) },
        ["verify", name, "by", key] => Request::SigstorePubKeyVerify {
            image: image(name),
            pub_keys: vec![PublicKey::parse(fixtures.like(&format!("{key}.pub")).as_str().unwrap()).unwrap().pem()],
            annotations: annotations.map(|found| serde_json::from_value(found).unwrap()),
        },
        ["owner", api_version, kind, name] => {
            let (namespace, name) = name.split_once('/').expect("NAMESPACE/NAME");
            Request::KubernetesGetResource {
                api_version: api_version.to_owned(),
                kind: kind.to_owned(),
                name: name.to_owned(),
                namespace: Some(namespace.to_owned()),
                disable_cache: true,
                field_masks: None,
            }
        }
        ["may", user, "in", namespace] => {
            let (user, groups) = user.split_once('/').unwrap_or((user, ""));
            let groups: Vec<String> = groups.split(',').filter(|group| !group.is_empty()).map(str::to_owned).collect();
            Request::may(&Permission {
                user,
                groups: &groups,
                verb: VERB,
                api_group: API_GROUP,
                resource: RESOURCE,
                namespace: Some(namespace),
            })
        }
        _ => panic!("no question: {question}"),
    }
}

fn response(request: &Request, answer: &Value, fixtures: &Fixtures) -> Value {
    let answer = match answer {
        Value::String(text) => match text.strip_prefix("signed by ") {
            Some(names) => json!({"signatures": names.split(", ").collect::<Vec<_>>()}),
            None if text.starts_with('<') => fixtures.expand(answer),
            None => fixtures.like(text),
        },
        other => fixtures.expand(other),
    };
    let success = |payload: String| json!({"type": "Success", "payload": payload});
    if let Some(error) = answer["error"].as_str() {
        return json!({"type": "Error", "message": told(request, error)});
    }
    if let Some(text) = answer["text"].as_str() {
        return success(text.to_owned());
    }
    if let Some(layers) = answer["signatures"].as_array() {
        let Request::OciManifest { image } = request else { panic!("signatures are in manifests: {request:?}") };
        let layers: Vec<Value> = layers.iter().map(|item| layer(image, item)).collect();
        return success(registry::manifest(&layers).to_string());
    }
    match (request, &answer) {
        (Request::OciManifestDigest { .. }, Value::String(hex)) => {
            success(json!({"digest": format!("sha256:{hex}")}).to_string())
        }
        (Request::SigstorePubKeyVerify { .. }, Value::String(hex)) => {
            success(format!(r#"{{"is_trusted":true,"digest":"sha256:{hex}"}}"#))
        }
        (_, document) => success(document.to_string()),
    }
}

/// An error's text, about what was asked.
fn told(request: &Request, error: &str) -> String {
    let about = match request {
        Request::OciManifestDigest { image }
        | Request::OciManifest { image }
        | Request::OciManifestAndConfig { image }
        | Request::SigstorePubKeyVerify { image, .. } => {
            vec![("<url>", url(image))]
        }
        Request::KubernetesGetResource { api_version, kind, name, namespace, .. } => {
            let namespace = namespace.as_deref().unwrap_or_default();
            vec![
                ("<kind>", format!("{api_version}/{kind}")),
                ("<name>", name.clone()),
                ("<namespace>", namespace.to_owned()),
            ]
        }
        Request::KubernetesCanI { .. } => Vec::new(),
    };
    about.iter().fold(error.to_owned(), |text, (hole, meant)| text.replace(hole, meant))
}

/// The URL at which the host fetches the manifest of an image.
fn url(image: &str) -> String {
    let image = ImageRef::parse(image).expect("only references are asked about");
    let reference = image.digest().map(|digest| digest.to_string());
    let reference = reference.or_else(|| image.tag().map(str::to_owned)).unwrap_or_default();
    format!("https://{}/v2/{}/manifests/{reference}", image.registry(), image.repository())
}

/// A layer of the signature manifest that is at `tag`.
///
/// | written | means |
/// |---|---|
/// | `alice` | alice signed the image that the tag belongs to |
/// | `{by: alice, of: REPOSITORY, digest: HEX, optional: {…}}` | she signed another name or digest, or annotations |
/// | `{by: alice, payload: HEX, size: N}` | she signed a payload of this hash that nobody can write again |
/// | `{signature: BASE64, …}` | exactly this signature; the payload is as above |
/// | any other mapping | a layer as it is |
fn layer(tag: &str, item: &Value) -> Value {
    let shorthand: BTreeSet<&str> =
        ["by", "of", "digest", "optional", "payload", "size", "signature"].into_iter().collect();
    let fields: BTreeMap<String, Value> = match item {
        Value::String(signer) => BTreeMap::from([("by".to_owned(), json!(signer))]),
        other => serde_json::from_value(other.clone()).unwrap_or_default(),
    };
    let is_short = fields.contains_key("by") || fields.contains_key("signature");
    if !is_short || !fields.keys().all(|key| shorthand.contains(key.as_str())) {
        return item.clone();
    }
    let text = |key: &str| fields.get(key).and_then(Value::as_str).map(str::to_owned);
    let (hash, size) = match text("payload") {
        Some(hex) => (Digest::parse(&format!("sha256:{hex}")).unwrap(), fields["size"].as_u64().unwrap()),
        None => {
            let image = ImageRef::parse(tag).unwrap();
            let signed = image.tag().and_then(|tag| tag.strip_suffix(".sig")).map(|tag| tag.replace('-', ":"));
            let digest = text("digest").map(|hex| format!("sha256:{hex}")).or(signed).expect("a digest that is signed");
            let optional = fields.get("optional").map(Value::to_string);
            let name = text("of").unwrap_or_else(|| repository(&image));
            let payload = payload_with(&name, Digest::parse(&digest).unwrap(), optional.as_deref().unwrap_or("null"));
            (Digest::of(payload.as_bytes()), payload.len() as u64)
        }
    };
    let signature = text("signature").or_else(|| text("by").map(|signer| registry::sign_hash(&signer, hash)));
    registry::layer(&signature.unwrap(), hash, size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_those_of_the_registry() {
        let digest = format!("sha256:{}", "1".repeat(64));
        let rows = [
            ("ghcr.io/acme/app:v1".to_owned(), "https://ghcr.io/v2/acme/app/manifests/v1".to_owned()),
            (format!("ghcr.io/acme/app:v1@{digest}"), format!("https://ghcr.io/v2/acme/app/manifests/{digest}")),
        ];
        rows.into_iter().for_each(|(image, expected)| assert_eq!(url(&image), expected));
    }
}
