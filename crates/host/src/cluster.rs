//! What is in the cluster? Manifests that answer Kubernetes lookups.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use serde::Deserialize as _;
use serde_json::{Value, json};

/// Objects, as `kubectl apply -f DIR` would store them.
#[derive(Debug, Default)]
pub struct Cluster {
    objects: Vec<Value>,
}

/// Where `kubectl apply` puts an object that names no namespace. Cluster-wide objects are looked up without a namespace.
const DEFAULT_NAMESPACE: &str = "default";

impl Cluster {
    /// Reads every `.yaml`, `.yml` and `.json` file of a folder, many documents each, lists unrolled.
    pub(crate) fn from_dir(dir: &Path) -> Result<Self> {
        let mut paths = fs::read_dir(dir)
            .and_then(|entries| entries.map(|entry| entry.map(|e| e.path())).collect::<Result<Vec<_>, _>>())
            .with_context(|| format!("cannot read the cluster folder {}", dir.display()))?;
        paths.sort();
        let mut cluster = Self::default();
        for path in paths {
            let extension = path.extension().and_then(|e| e.to_str());
            if matches!(extension, Some("yaml" | "yml" | "json")) {
                let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
                cluster.add(&text).with_context(|| format!("cannot use the manifest {}", path.display()))?;
            }
        }
        Ok(cluster)
    }

    /// These objects, lists unrolled.
    ///
    /// # Errors
    /// When one of them has no kind, no `apiVersion` or no name.
    pub fn of(objects: impl IntoIterator<Item = Value>) -> Result<Self> {
        let mut cluster = Self::default();
        objects.into_iter().try_for_each(|object| cluster.add_object(object))?;
        Ok(cluster)
    }

    fn add(&mut self, text: &str) -> Result<()> {
        for document in serde_yaml::Deserializer::from_str(text) {
            match Value::deserialize(document)? {
                // an empty document, as after a last `---`
                Value::Null => {}
                object => self.add_object(object)?,
            }
        }
        Ok(())
    }

    fn add_object(&mut self, mut object: Value) -> Result<()> {
        if object["kind"] == "List"
            && let Some(Value::Array(items)) = object.get_mut("items").map(Value::take)
        {
            return items.into_iter().try_for_each(|item| self.add_object(item));
        }
        for key in ["apiVersion", "kind"] {
            if !object[key].is_string() {
                bail!("a document has no `{key}`");
            }
        }
        if !object["metadata"]["name"].is_string() {
            bail!("a {} has no `metadata.name`", object["kind"]);
        }
        self.objects.push(object);
        Ok(())
    }

    /// `kubernetes/get_resource`
    ///
    /// # Errors
    /// In the host's words, when there is no such object.
    pub fn get(
        &self,
        api_version: &str,
        kind: &str,
        name: &str,
        namespace: Option<&str>,
        masks: Option<&BTreeSet<String>>,
    ) -> Result<Vec<u8>> {
        let object = self
            .of_kind(api_version, kind)
            .filter(|object| object["metadata"]["name"] == name)
            .find(|object| namespace.is_none_or(|namespace| namespace_of(object) == namespace))
            .ok_or_else(|| {
                anyhow!("Cannot find {api_version}/{kind} named '{name}' inside of namespace '{namespace:?}'")
            })?;
        Ok(serde_json::to_vec(&masked(object, masks))?)
    }

    /// Answers `kubernetes/list_resources_all`, and `list_resources_by_namespace` for one namespace.
    pub(crate) fn list(
        &self,
        api_version: &str,
        kind: &str,
        namespace: Option<&str>,
        masks: Option<&BTreeSet<String>>,
    ) -> Result<Vec<u8>> {
        let objects = self
            .of_kind(api_version, kind)
            .filter(|object| namespace.is_none_or(|namespace| namespace_of(object) == namespace));
        let items: Vec<Value> = objects.map(|object| masked(object, masks)).collect();
        let list = json!({"apiVersion": api_version, "kind": format!("{kind}List"), "metadata": {}, "items": items});
        Ok(serde_json::to_vec(&list)?)
    }

    fn of_kind(&self, api_version: &str, kind: &str) -> impl Iterator<Item = &Value> {
        self.objects.iter().filter(move |object| object["apiVersion"] == api_version && object["kind"] == kind)
    }
}

fn namespace_of(object: &Value) -> &str {
    object["metadata"]["namespace"].as_str().unwrap_or(DEFAULT_NAMESPACE)
}

/// The object with only the fields that the masks name: dotted paths, arrays walked through, everything below a path kept.
fn masked(object: &Value, masks: Option<&BTreeSet<String>>) -> Value {
    let mut object = object.clone();
    if let Some(masks) = masks.filter(|masks| !masks.is_empty()) {
        let paths: Vec<Vec<&str>> = masks.iter().map(|mask| mask.split('.').collect()).collect();
        prune(&mut object, &paths.iter().map(Vec::as_slice).collect::<Vec<_>>());
    }
    object
}

fn prune(value: &mut Value, paths: &[&[&str]]) {
    if paths.iter().any(|path| path.is_empty()) {
        return;
    }
    match value {
        Value::Object(fields) => fields.retain(|key, field| {
            let below: Vec<&[&str]> = paths
                .iter()
                .filter_map(|path| path.split_first())
                .filter(|(first, _)| *first == key)
                .map(|(_, rest)| rest)
                .collect();
            prune(field, &below);
            !below.is_empty()
        }),
        Value::Array(items) => items.iter_mut().for_each(|item| prune(item, paths)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFESTS: &str = "apiVersion: apps/v1\nkind: ReplicaSet\nmetadata: {name: a, namespace: prod, uid: '1'}\nspec: {containers: [{name: c, image: i}, {name: d, image: j}]}\n---\napiVersion: apps/v1\nkind: ReplicaSet\nmetadata: {name: a, uid: '2'}\n---\napiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Namespace, metadata: {name: prod, uid: '3'}}\n---\n";

    fn cluster() -> Cluster {
        let dir = tempfile::tempdir().expect("a directory");
        fs::write(dir.path().join("all.yaml"), MANIFESTS).expect("a file");
        fs::write(dir.path().join("pod.json"), r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","uid":"4"}}"#)
            .expect("a file");
        fs::write(dir.path().join("README.md"), "not a manifest").expect("a file");
        Cluster::from_dir(dir.path()).expect("a cluster")
    }

    #[test]
    fn objects_are_found_by_kind_name_and_namespace() {
        let cluster = cluster();
        // apiVersion, kind, name, namespace, the uid or the host's error
        let table = [
            ("apps/v1", "ReplicaSet", "a", Some("prod"), Ok("1")),
            // what names no namespace is in `default`
            ("apps/v1", "ReplicaSet", "a", Some("default"), Ok("2")),
            ("v1", "Pod", "p", Some("default"), Ok("4")),
            ("v1", "Namespace", "prod", None, Ok("3")),
            (
                "apps/v1",
                "ReplicaSet",
                "a",
                Some("dev"),
                Err("Cannot find apps/v1/ReplicaSet named 'a' inside of namespace 'Some(\"dev\")'"),
            ),
            // another group is another kind
            (
                "v1",
                "ReplicaSet",
                "a",
                Some("prod"),
                Err("Cannot find v1/ReplicaSet named 'a' inside of namespace 'Some(\"prod\")'"),
            ),
        ];
        for (api_version, kind, name, namespace, expected) in table {
            let answer = cluster.get(api_version, kind, name, namespace, None).map_err(|e| e.to_string());
            let uid =
                answer.map(|bytes| serde_json::from_slice::<Value>(&bytes).expect("JSON")["metadata"]["uid"].clone());
            assert_eq!(uid, expected.map(Value::from).map_err(str::to_owned), "{kind} {name}");
        }
    }

    #[test]
    fn lists_and_masks() {
        let cluster = cluster();
        let masks = |paths: &[&str]| Some(paths.iter().map(|p| (*p).to_owned()).collect::<BTreeSet<_>>());
        let list = |namespace, masks: Option<BTreeSet<String>>| {
            let bytes = cluster.list("apps/v1", "ReplicaSet", namespace, masks.as_ref()).expect("a list");
            serde_json::from_slice::<Value>(&bytes).expect("JSON")
        };
        assert_eq!(list(None, None)["items"].as_array().map(Vec::len), Some(2));
        // the namespace, the masks, the items
        let table = [
            (Some("prod"), masks(&["metadata.uid"]), json!([{"metadata": {"uid": "1"}}])),
            (
                Some("prod"),
                masks(&["spec.containers.image", "metadata.name"]),
                json!([{"metadata": {"name": "a"}, "spec": {"containers": [{"image": "i"}, {"image": "j"}]}}]),
            ),
            (Some("prod"), masks(&["metadata"]), json!([{"metadata": {"name": "a", "namespace": "prod", "uid": "1"}}])),
            (Some("dev"), None, json!([])),
        ];
        for (namespace, masks, items) in table {
            let expected = json!({"apiVersion": "apps/v1", "kind": "ReplicaSetList", "metadata": {}, "items": items});
            assert_eq!(list(namespace, masks), expected);
        }
    }

    #[test]
    fn what_is_no_manifest_says_so() {
        // text, a part of the message
        let table = [
            ("kind: Pod", "no `apiVersion`"),
            ("{apiVersion: v1, kind: Pod}", "no `metadata.name`"),
            ("- a", "no `apiVersion`"),
            ("a: [", "line 2"),
        ];
        for (text, part) in table {
            let message = Cluster::default().add(text).map_err(|e| format!("{e:#}"));
            assert!(matches!(&message, Err(m) if m.contains(part)), "{text}: {message:?}");
        }
    }
}
