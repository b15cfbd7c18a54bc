//! How does a module carry its metadata? What `kwctl annotate` does: ask the module its protocol, add one custom section.

use anyhow::{Context, Result, bail};
use wasm_encoder::{CustomSection, Encode, Section};

use crate::metadata::{Metadata, SECTION};
use crate::policy::Policy;

/// The module with `metadata_yaml` (and a README, if given) in its metadata section.
///
/// The module's own bytes are kept as they are; the section is appended.
pub fn annotate(wasm: &[u8], metadata_yaml: &str, usage: Option<&str>) -> Result<Vec<u8>> {
    if Metadata::of_module(wasm)?.is_some() {
        // A second section would be ignored: Kubewarden reads the first.
        bail!("the module is annotated already; annotate the one that cargo built");
    }
    let mut metadata: Metadata = serde_yaml::from_str(metadata_yaml).context("the metadata does not decode")?;
    metadata.protocol_version = Some(protocol_version(wasm)?);
    let annotations = metadata.annotations.get_or_insert_default();
    annotations.insert("io.kubewarden.kwctl".to_owned(), concat!("image-trust ", env!("CARGO_PKG_VERSION")).to_owned());
    if let Some(usage) = usage {
        annotations.insert("io.kubewarden.policy.usage".to_owned(), usage.to_owned());
    }
    if let Err(problem) = metadata.validate() {
        bail!("Metadata is invalid: {problem}");
    }
    let section = CustomSection { name: SECTION.into(), data: serde_json::to_vec(&metadata)?.into() };
    let mut annotated = wasm.to_vec();
    annotated.push(section.id());
    section.encode(&mut annotated);
    Ok(annotated)
}

fn protocol_version(wasm: &[u8]) -> Result<String> {
    let version = Policy::from_wasm(wasm)?.protocol_version()?;
    if version != "v1" {
        bail!("the policy speaks waPC protocol {version:?}; Kubewarden knows \"v1\"");
    }
    Ok(version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use image_trust_testbed::guests;

    const METADATA: &str = "rules: [{apiGroups: [''], apiVersions: [v1], resources: [pods], operations: [CREATE]}]\nmutating: true\ncontextAwareResources: [{apiVersion: apps/v1, kind: ReplicaSet}]\n";

    #[test]
    fn what_is_written_is_read_back() {
        let wasm = guests::answering(r#""v1""#);
        let annotated = annotate(&wasm, METADATA, Some("# README")).expect("annotated");
        assert!(annotated.starts_with(&wasm), "the module's own bytes are kept");
        let metadata = Metadata::of_module(&annotated).ok().flatten().expect("metadata");
        assert_eq!(metadata.protocol_version.as_deref(), Some("v1"));
        let annotations = metadata.annotations.expect("annotations");
        assert_eq!(annotations.get("io.kubewarden.policy.usage").map(String::as_str), Some("# README"));
        assert!(annotations.contains_key("io.kubewarden.kwctl"));
        // the annotated module still runs, and says which resources it reads
        let policy = Policy::from_wasm(&annotated).expect("a policy");
        assert_eq!(policy.protocol_version().ok().as_deref(), Some("v1"));
        assert_eq!(policy.context_aware_resources().len(), 1);
    }

    #[test]
    fn what_cannot_be_annotated_says_why() {
        let v1 = guests::answering(r#""v1""#);
        let annotated = annotate(&v1, METADATA, None).expect("annotated");
        // module, metadata, a part of the message
        let table: [(&[u8], &str, &str); 6] = [
            (&annotated, METADATA, "annotated already"),
            (&guests::answering(r#""v9""#), METADATA, "speaks waPC protocol \"v9\""),
            (&guests::answering("{}"), METADATA, "cannot create ProtocolVersion object"),
            (&v1, "rules: []", "missing field `mutating`"),
            (
                &v1,
                "mutating: true\nrules: [{apiGroups: [], apiVersions: [v1], resources: [pods], operations: [CREATE]}]",
                "Metadata is invalid: rules[0]",
            ),
            (b"not wasm", METADATA, "not a WebAssembly module"),
        ];
        for (wasm, metadata, part) in table {
            let message = annotate(wasm, metadata, None).map(|_| ()).map_err(|e| format!("{e:#}"));
            assert!(matches!(&message, Err(m) if m.contains(part)), "{part}: {message:?}");
        }
    }
}
