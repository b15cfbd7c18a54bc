//! The fake host of the tests: what a test says is there is there, and nothing else.
//!
//! ```
//! use image_trust::Digest;
//! use image_trust_testbed::host::FakeHost;
//!
//! let host = FakeHost::new().every_digest(Digest::of(b"an image")).every_call_takes(100);
//! ```

use std::{cell::Cell, collections::BTreeMap, time::Duration};

use image_trust::{
    Digest, PublicKey, answer,
    host::{Cause, Clock, Cluster, Host, HostError, ObjectName, Permission, Registry, Sigstore},
};
use serde_json::{Value, json};

use crate::mint::ISSUED;

/// The answer of a host to one call.
pub type Answer<T> = Result<T, HostError>;

/// A day after everything that is minted begins: the time of a host if nothing else is said.
pub const TODAY: u64 = ISSUED + 86_400;

/// A host that answers by closures. Without any, it has no image, no signature and no object, and no time passes.
pub struct FakeHost<'h> {
    digest: Box<dyn Fn(&str) -> Answer<Digest> + 'h>,
    manifest: Box<dyn Fn(&str) -> Answer<Vec<u8>> + 'h>,
    config: Box<dyn Fn(&str) -> Answer<Vec<u8>> + 'h>,
    verify: Box<dyn Fn(&str, &PublicKey) -> Answer<Digest> + 'h>,
    object: Box<dyn Fn(&ObjectName<'_>) -> Answer<Vec<u8>> + 'h>,
    may: Box<dyn Fn(&Permission<'_>) -> Answer<bool> + 'h>,
    /// How long a call takes, and how long a look at the clock.
    call: Duration,
    look: Duration,
    elapsed: Cell<Duration>,
    calls: Cell<u64>,
    /// The time of day, as a Unix time.
    now: u64,
}

/// The answer of a registry that does not have it.
pub fn nothing<T>() -> Answer<T> {
    Err(HostError { cause: Cause::NotFound, text: "manifest unknown".to_owned() })
}

/// The answer about a key that did not sign.
pub fn not_signed<T>() -> Answer<T> {
    Err(HostError { cause: Cause::Mismatch, text: "missing signatures".to_owned() })
}

impl Default for FakeHost<'_> {
    fn default() -> Self {
        FakeHost {
            digest: Box::new(|_| nothing()),
            manifest: Box::new(|_| nothing()),
            config: Box::new(|_| nothing()),
            verify: Box::new(|_, _| not_signed()),
            object: Box::new(|_| Err(HostError::of_cluster("there is no cluster"))),
            may: Box::new(|_| Err(HostError::of_cluster("there is no cluster"))),
            call: Duration::ZERO,
            look: Duration::ZERO,
            elapsed: Cell::default(),
            calls: Cell::default(),
            now: TODAY,
        }
    }
}

impl<'h> FakeHost<'h> {
    /// A host without any images, signatures or objects.
    pub fn new() -> Self {
        Self::default()
    }

    /// A host that reaches no registry.
    pub fn unreachable() -> Self {
        Self::new()
            .digests(|_| Err(HostError::of_registry("connection refused")))
            .manifests(|_| Err(HostError::of_registry("connection refused")))
            .verifies(|_, _| Err(HostError::of_verification("connection refused")))
    }

    /// Says which digest a reference has.
    pub fn digests(self, digest: impl Fn(&str) -> Answer<Digest> + 'h) -> Self {
        FakeHost { digest: Box::new(digest), ..self }
    }

    /// Makes this the digest of every reference.
    pub fn every_digest(self, digest: Digest) -> Self {
        self.digests(move |_| Ok(digest))
    }

    /// Says which manifest is at a reference.
    pub fn manifests(self, manifest: impl Fn(&str) -> Answer<Vec<u8>> + 'h) -> Self {
        FakeHost { manifest: Box::new(manifest), ..self }
    }

    /// Says which config the manifest at a reference has.
    pub fn configs(self, config: impl Fn(&str) -> Answer<Vec<u8>> + 'h) -> Self {
        FakeHost { config: Box::new(config), ..self }
    }

    /// Puts these bytes where the signatures of this digest belong, in every repository, and nothing elsewhere.
    pub fn signatures(self, digest: Digest, manifest: Vec<u8>) -> Self {
        let tag = format!("{}.sig", digest.as_tag());
        self.manifests(move |image| if image.ends_with(&tag) { Ok(manifest.clone()) } else { nothing() })
    }

    /// Says whether a key signed an image.
    pub fn verifies(self, verify: impl Fn(&str, &PublicKey) -> Answer<Digest> + 'h) -> Self {
        FakeHost { verify: Box::new(verify), ..self }
    }

    /// Says which objects are in the cluster.
    pub fn objects(self, object: impl Fn(&ObjectName<'_>) -> Answer<Vec<u8>> + 'h) -> Self {
        FakeHost { object: Box::new(object), ..self }
    }

    /// Says which permissions users have.
    pub fn permits(self, may: impl Fn(&Permission<'_>) -> Answer<bool> + 'h) -> Self {
        FakeHost { may: Box::new(may), ..self }
    }

    /// Lets so many milliseconds pass with every call.
    pub fn every_call_takes(self, milliseconds: u64) -> Self {
        FakeHost { call: Duration::from_millis(milliseconds), ..self }
    }

    /// Lets so many milliseconds pass with every look at the clock.
    pub fn every_look_takes(self, milliseconds: u64) -> Self {
        FakeHost { look: Duration::from_millis(milliseconds), ..self }
    }

    /// Sets the time of day, as a Unix time.
    pub fn at(self, now: u64) -> Self {
        FakeHost { now, ..self }
    }

    /// The number of host calls so far.
    pub fn calls(&self) -> u64 {
        self.calls.get()
    }

    fn count(&self) {
        self.calls.set(self.calls.get() + 1);
        self.elapsed.set(self.elapsed.get() + self.call);
    }
}

impl Registry for FakeHost<'_> {
    fn digest(&self, image: &str) -> Answer<Digest> {
        self.count();
        (self.digest)(image)
    }

    fn manifest(&self, image: &str) -> Answer<Vec<u8>> {
        self.count();
        (self.manifest)(image)
    }

    fn config(&self, image: &str) -> Answer<Vec<u8>> {
        self.count();
        (self.config)(image)
    }
}

impl Sigstore for FakeHost<'_> {
    fn verify(&self, image: &str, key: &PublicKey, _: &BTreeMap<String, String>) -> Answer<Digest> {
        self.count();
        (self.verify)(image, key)
    }
}

impl Cluster for FakeHost<'_> {
    fn object(&self, name: &ObjectName<'_>) -> Answer<Vec<u8>> {
        self.count();
        (self.object)(name)
    }

    fn may(&self, permission: &Permission<'_>) -> Answer<bool> {
        self.count();
        (self.may)(permission)
    }
}

impl Clock for FakeHost<'_> {
    fn elapsed(&self) -> Duration {
        self.elapsed.replace(self.elapsed.get() + self.look)
    }

    fn now(&self) -> image_trust::time::UnixTime {
        image_trust::time::UnixTime::from_secs(self.now)
    }
}

/// A host in which every image has this digest and these signatures, none of which may be left to the host.
pub fn with_signatures(digest: Digest, manifest: Vec<u8>) -> FakeHost<'static> {
    FakeHost::new()
        .every_digest(digest)
        .signatures(digest, manifest)
        .verifies(|image, _| panic!("a certificate is never left to the host: {image}"))
}

/// The answer to a payload of `validate`.
pub fn answer_to(payload: &str, host: &dyn Host) -> Value {
    serde_json::to_value(answer::validate(payload.as_bytes(), host)).unwrap()
}

/// The answer to the creation of a Pod with `image`, under these settings.
pub fn answer_to_image(image: &str, settings: &str, host: &dyn Host) -> Value {
    let request = json!({
        "kind": {"group": "", "version": "v1", "kind": "Pod"}, "operation": "CREATE",
        "object": {"spec": {"containers": [{"name": "app", "image": image}]}}
    });
    answer_to(&format!(r#"{{"settings":{settings},"request":{request}}}"#), host)
}
