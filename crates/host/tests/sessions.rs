//! Are kwctl's session files read as kwctl reads them, and written as kwctl writes them? The sample holds every host call twice: answered, and refused.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use image_trust_host::{
    CertificateEncoding, CertificateVerification, ContextAwareResource, EncodedCertificate, Gate,
    HostCapabilities as _, HostRequest, KeylessIdentity, KeylessPrefix, Recorder, Replay, ResourceAttributes,
    SubjectAccessReview,
};

const KEY: &str = "-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----\n";
const TRUSTED: &str = r#"{"is_trusted":true,"digest":"sha256:aa"}"#;
const NO_KEY: &str = "Image verification failed: missing signatures";
const LIST: &str = r#"{"apiVersion":"v1","kind":"List","items":[]}"#;
const NO_CLUSTER: &str = "kube::Client was not initialized properly";

fn sample() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples/kwctl/every-host-call.yml");
    fs::read_to_string(path).expect("the sample")
}

/// What the sample holds: the host call and its payload, in each form there is; what it means; the answer; the error.
type Row = (&'static [(&'static str, &'static str)], HostRequest, &'static str, &'static str);

fn rows() -> Vec<Row> {
    let image = || "ghcr.io/acme/app:1".to_owned();
    let owned = |names: &[&str]| names.iter().map(|name| name.to_string()).collect::<Vec<_>>();
    let certificate = |encoding, data: &[u8]| EncodedCertificate { encoding, data: data.to_vec() };
    vec![
        (
            &[("oci/v1/manifest_digest", r#""ghcr.io/acme/app:1""#)],
            HostRequest::OciManifestDigest { image: image() },
            r#"{"digest":"sha256:aa"}"#,
            "Fail to interact with OCI registry: Not authorized: url https://ghcr.io/v2/acme/app/manifests/1",
        ),
        (
            &[("oci/v1/oci_manifest", r#""ghcr.io/acme/app:sha256-aa.sig""#)],
            HostRequest::OciManifest { image: "ghcr.io/acme/app:sha256-aa.sig".into() },
            r#"{"schemaVersion":2,"config":{"mediaType":"m","digest":"sha256:bb","size":2},"layers":[]}"#,
            "Fail to interact with OCI registry: Registry error: url https://ghcr.io, envelope: OCI API errors: [OCI API error: manifest unknown]",
        ),
        (
            &[("oci/v1/oci_manifest_config", r#""ghcr.io/acme/app@sha256:aa""#)],
            HostRequest::OciManifestAndConfig { image: "ghcr.io/acme/app@sha256:aa".into() },
            r#"{"manifest":{"schemaVersion":2},"digest":"sha256:aa","config":{"architecture":"amd64"}}"#,
            "expected value at line 1 column 1",
        ),
        (
            &[
                (
                    "oci/v2/verify",
                    r#"{"type":"SigstorePubKeyVerify","image":"ghcr.io/acme/app:1","pub_keys":["-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----\n"],"annotations":{"team":"1","stage":"prod"}}"#,
                ),
                (
                    "oci/v1/verify",
                    r#"{"SigstorePubKeyVerify":{"image":"ghcr.io/acme/app:1","pub_keys":["-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----\n"],"annotations":{"team":"1","stage":"prod"}}}"#,
                ),
            ],
            HostRequest::SigstorePubKeyVerify {
                image: image(),
                pub_keys: owned(&[KEY]),
                annotations: Some([("stage".into(), "prod".into()), ("team".into(), "1".into())].into()),
            },
            TRUSTED,
            NO_KEY,
        ),
        (
            &[
                (
                    "oci/v1/verify",
                    r#"{"SigstoreKeylessVerify":{"image":"ghcr.io/acme/app:1","keyless":[{"issuer":"https://token.actions.githubusercontent.com","subject":"https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main"}]}}"#,
                ),
                (
                    "oci/v2/verify",
                    r#"{"type":"SigstoreKeylessVerify","image":"ghcr.io/acme/app:1","keyless":[{"issuer":"https://token.actions.githubusercontent.com","subject":"https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main"}]}"#,
                ),
            ],
            HostRequest::SigstoreKeylessVerify {
                image: image(),
                keyless: vec![KeylessIdentity {
                    issuer: "https://token.actions.githubusercontent.com".into(),
                    subject: "https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main".into(),
                }],
                annotations: None,
            },
            TRUSTED,
            "no signatures found for image: ghcr.io/acme/app:1 ",
        ),
        (
            &[(
                "oci/v2/verify",
                r#"{"type":"SigstoreKeylessPrefixVerify","image":"ghcr.io/acme/app:1","keyless_prefix":[{"issuer":"https://token.actions.githubusercontent.com","url_prefix":"https://github.com/acme"}],"annotations":null}"#,
            )],
            HostRequest::SigstoreKeylessPrefixVerify {
                image: image(),
                keyless_prefix: vec![KeylessPrefix {
                    issuer: "https://token.actions.githubusercontent.com".into(),
                    url_prefix: "https://github.com/acme".into(),
                }],
                annotations: None,
            },
            TRUSTED,
            NO_KEY,
        ),
        (
            &[(
                "oci/v2/verify",
                r#"{"type":"SigstoreGithubActionsVerify","image":"ghcr.io/acme/app:1","owner":"acme"}"#,
            )],
            HostRequest::SigstoreGithubActionsVerify {
                image: image(),
                owner: "acme".into(),
                repo: None,
                annotations: None,
            },
            TRUSTED,
            NO_KEY,
        ),
        (
            &[(
                "oci/v2/verify",
                r#"{"type":"SigstoreCertificateVerify","image":"ghcr.io/acme/app:1","certificate":[45,45],"certificate_chain":[[43,43],[44]],"require_rekor_bundle":true}"#,
            )],
            HostRequest::SigstoreCertificateVerify {
                image: image(),
                certificate: b"--".to_vec(),
                certificate_chain: Some(vec![b"++".to_vec(), b",".to_vec()]),
                require_rekor_bundle: true,
                annotations: None,
            },
            TRUSTED,
            NO_KEY,
        ),
        (
            &[("net/v1/dns_lookup_host", r#""ghcr.io""#)],
            HostRequest::DNSLookupHost { host: "ghcr.io".into() },
            r#"{"ips":["140.82.121.33"]}"#,
            "failed to lookup address information: Name or service not known",
        ),
        (
            &[(
                "kubernetes/list_resources_by_namespace",
                r#"{"api_version":"v1","kind":"ConfigMap","namespace":"shop","label_selector":"app=web","field_masks":["metadata.name","data"]}"#,
            )],
            HostRequest::KubernetesListResourceNamespace {
                api_version: "v1".into(),
                kind: "ConfigMap".into(),
                namespace: "shop".into(),
                label_selector: Some("app=web".into()),
                field_selector: None,
                field_masks: Some(owned(&["data", "metadata.name"]).into_iter().collect()),
            },
            LIST,
            NO_CLUSTER,
        ),
        (
            &[(
                "kubernetes/list_resources_all",
                r#"{"api_version":"v1","kind":"Namespace","field_selector":"metadata.name=shop"}"#,
            )],
            HostRequest::KubernetesListResourceAll {
                api_version: "v1".into(),
                kind: "Namespace".into(),
                label_selector: None,
                field_selector: Some("metadata.name=shop".into()),
                field_masks: None,
            },
            LIST,
            NO_CLUSTER,
        ),
        (
            &[(
                "kubernetes/get_resource",
                r#"{"api_version":"apps/v1","kind":"ReplicaSet","name":"web-1","namespace":"shop","disable_cache":true}"#,
            )],
            HostRequest::KubernetesGetResource {
                api_version: "apps/v1".into(),
                kind: "ReplicaSet".into(),
                name: "web-1".into(),
                namespace: Some("shop".into()),
                disable_cache: true,
                field_masks: None,
            },
            r#"{"apiVersion":"apps/v1","kind":"ReplicaSet"}"#,
            "Cannot find apps/v1/ReplicaSet named 'web-1' inside of namespace 'Some(\"shop\")'",
        ),
        (
            &[(
                "kubernetes/can_i",
                r#"{"subject_access_review":{"user":"alice","groups":null,"resource_attributes":{"group":"apps","namespace":"shop","resource":"deployments","verb":"update"}},"disable_cache":false}"#,
            )],
            HostRequest::KubernetesCanI {
                request: SubjectAccessReview {
                    groups: None,
                    resource_attributes: ResourceAttributes {
                        group: Some("apps".into()),
                        namespace: Some("shop".into()),
                        resource: "deployments".into(),
                        verb: "update".into(),
                        ..ResourceAttributes::default()
                    },
                    user: "alice".into(),
                },
                disable_cache: false,
            },
            r#"{"allowed":true}"#,
            NO_CLUSTER,
        ),
        (
            // The SDK for Go writes "no time" as an empty one.
            &[
                (
                    "crypto/v1/is_certificate_trusted",
                    r#"{"cert":{"encoding":"Pem","data":[45,45]},"cert_chain":[{"encoding":"Der","data":[48]}],"not_after":null}"#,
                ),
                (
                    "crypto/v1/is_certificate_trusted",
                    r#"{"cert":{"data":[45,45],"encoding":"Pem"},"cert_chain":[{"data":[48],"encoding":"Der"}],"not_after":""}"#,
                ),
            ],
            HostRequest::CryptoIsCertificateTrusted {
                request: CertificateVerification {
                    cert: certificate(CertificateEncoding::Pem, b"--"),
                    cert_chain: Some(vec![certificate(CertificateEncoding::Der, b"0")]),
                    not_after: None,
                },
            },
            r#"{"trusted":false,"reason":"Certificate is not trusted: CA is missing"}"#,
            "no certificate",
        ),
    ]
}

/// The name in the file. A host call that is new has to be in the sample too.
fn name(request: &HostRequest) -> &'static str {
    match request {
        HostRequest::OciManifestDigest { .. } => "OciManifestDigest",
        HostRequest::OciManifest { .. } => "OciManifest",
        HostRequest::OciManifestAndConfig { .. } => "OciManifestAndConfig",
        HostRequest::SigstorePubKeyVerify { .. } => "SigstorePubKeyVerify",
        HostRequest::SigstoreKeylessVerify { .. } => "SigstoreKeylessVerify",
        HostRequest::SigstoreKeylessPrefixVerify { .. } => "SigstoreKeylessPrefixVerify",
        HostRequest::SigstoreGithubActionsVerify { .. } => "SigstoreGithubActionsVerify",
        HostRequest::SigstoreCertificateVerify { .. } => "SigstoreCertificateVerify",
        HostRequest::DNSLookupHost { .. } => "DNSLookupHost",
        HostRequest::KubernetesListResourceNamespace { .. } => "KubernetesListResourceNamespace",
        HostRequest::KubernetesListResourceAll { .. } => "KubernetesListResourceAll",
        HostRequest::KubernetesGetResource { .. } => "KubernetesGetResource",
        HostRequest::KubernetesCanI { .. } => "KubernetesCanI",
        HostRequest::CryptoIsCertificateTrusted { .. } => "CryptoIsCertificateTrusted",
    }
}

#[test]
fn every_host_call_is_read_as_kwctl_reads_it() {
    let read = Replay::from_yaml(&sample()).expect("a session").leftovers();
    let expected: Vec<HostRequest> =
        rows().into_iter().flat_map(|(_, request, ..)| [request.clone(), request]).collect();
    assert_eq!(read, expected);
    let names: Vec<&str> = read.iter().map(name).collect();
    let tags = sample();
    let tags: Vec<&str> = tags.lines().filter_map(|line| line.trim().strip_prefix('!')).collect();
    assert_eq!(names, tags);
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), 14, "every host call");
}

#[test]
fn every_host_call_is_answered_and_written_as_kwctl_does() {
    let sample = sample();
    let rows = rows();
    // What is asked in another form is the same question.
    let forms = rows.iter().map(|(forms, ..)| forms.len()).max().unwrap_or_default();
    for form in 0..forms {
        let recorder = Arc::new(Recorder::new(Replay::from_yaml(&sample).expect("a session")));
        let listed = ["v1/ConfigMap", "v1/Namespace", "apps/v1/ReplicaSet"].map(|resource| {
            let (api_version, kind) = resource.rsplit_once('/').expect("a kind");
            ContextAwareResource { api_version: api_version.into(), kind: kind.into() }
        });
        let gate = Gate::new(Arc::clone(&recorder)).with_resources(listed.into());
        for (forms, _, answer, error) in &rows {
            let (capability, payload) = forms.get(form).unwrap_or(&forms[0]);
            let (namespace, operation) = capability.split_once('/').expect("a namespace");
            let ask = || gate.call("kubewarden", namespace, operation, payload.as_bytes());
            let came = ask().map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            assert_eq!(came.as_deref(), Ok(*answer), "{payload}");
            assert_eq!(ask(), Err(format!("Callback evaluation failure: {error}")), "{payload}");
        }
        let written = recorder.to_yaml().expect("a session");
        for (written, sample) in written.lines().zip(sample.lines()) {
            assert_eq!(written, sample);
        }
        assert_eq!(written, sample, "all of it");
    }
}
