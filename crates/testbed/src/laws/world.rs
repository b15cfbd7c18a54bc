//! Which world could a request come from?
//!
//! Registries with what lies beside their images, owners in the cluster, rules, and what is true of all that: who signed what, and which rule decides. Bytes
//! choose; where there are none, everything is right. What is true is told from the choices alone, never by the code that is tested.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    sync::LazyLock,
};

use image_trust::{
    Digest, ImageRef, PublicKey,
    host::{HostError, ObjectName},
};
use serde_json::{Value, json};

use super::{
    Choices,
    images::{DIGESTS, Image, REPOSITORIES, number, pointed_to},
    key_order::backwards,
    lossy,
    mint::{Key, Kind, Layer},
};
use crate::host::{Answer, FakeHost, TODAY, not_signed, nothing};

/// The names of the signers. The rules accept alice and bob, and never mallory.
const SIGNERS: [&str; 3] = ["alice", "bob", "mallory"];

static KEYS: LazyLock<[Key; 3]> =
    LazyLock::new(|| [Key::new(Kind::Ed25519, "alice"), Key::p256("bob"), Key::p256("mallory")]);

/// The public keys of alice and bob, in PEM.
static PEMS: LazyLock<[String; 2]> = LazyLock::new(|| [0, 1].map(|signer| KEYS[signer].public_pem()));
static PUBLIC: LazyLock<[PublicKey; 2]> =
    LazyLock::new(|| [0, 1].map(|signer| PublicKey::parse(&PEMS[signer]).unwrap()));

/// A signature in a repository, of a digest, with the annotation or without.
type Signature = (usize, usize, bool, usize);

static SIGNATURES: LazyLock<BTreeMap<Signature, Layer>> = LazyLock::new(|| {
    let mut signatures = BTreeMap::new();
    for number in 0..REPOSITORIES.len() * 18 {
        let (repository, digest, annotated, signer) = (number / 18, number / 6 % 3, number / 3 % 2 == 1, number % 3);
        let name = REPOSITORIES[repository].replace("docker.io/", "index.docker.io/");
        let payload = super::mint::payload(&name, &DIGESTS[digest].to_string());
        let payload = match annotated {
            true => lossy(&payload).replace(r#""optional":null"#, r#""optional":{"env":"prod"}"#).into_bytes(),
            false => payload,
        };
        signatures.insert((repository, digest, annotated, signer), Layer::by_key(&KEYS[signer], &payload));
    }
    signatures
});

/// The evidence that lies beside an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Beside {
    /// Signatures by these, each with the annotation or without.
    Signed(&'static [(usize, bool)]),
    Nothing,
    /// A signature of alice's for another digest.
    OfAnotherDigest,
    /// A signature of alice's for another repository.
    OfAnotherName,
    /// Mallory's signature over alice's payload, and alice's over mallory's.
    Mixed,
    Garbage,
    Error,
}

/// The number of entries of `BESIDE`, from the first on, that are in order.
const IN_ORDER: usize = 11;

const BESIDE: [Beside; 13] = [
    Beside::Signed(&[(0, false), (1, false)]),
    Beside::Nothing,
    Beside::Signed(&[(0, false)]),
    Beside::Signed(&[(1, false)]),
    Beside::Signed(&[(2, false)]),
    Beside::Signed(&[(0, true)]),
    Beside::Signed(&[(0, false), (1, true)]),
    Beside::Signed(&[(0, true), (1, true), (2, false)]),
    Beside::OfAnotherDigest,
    Beside::OfAnotherName,
    Beside::Mixed,
    Beside::Garbage,
    Beside::Error,
];

/// The policy server's answer about a signer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    No,
    Yes,
    /// Of the digest of all tags but one, whatever it was asked about.
    YesOfAnother,
    Error,
}

struct Repository {
    /// Whether nobody tells where tags point.
    is_silent: bool,
    /// Whether the tag `v1` points to an index.
    lists: bool,
    beside: [Beside; 3],
    says: [Says; 2],
}

/// An owner of the object, as the cluster knows it.
struct Owner {
    /// Whether the cluster's answer is about the owner that was asked for.
    is_meant: bool,
    lists: Vec<String>,
    age: u64,
}

/// The world outside of the policy: registries, signatures and owners.
pub struct World<'d> {
    repositories: Vec<Repository>,
    owners: Vec<Option<Owner>>,
    /// Can everything be told that is asked for?
    pub is_in_order: bool,
    /// The time that every host call takes.
    pub step: u64,
    /// Whether the keys of JSON answers are in the opposite order.
    pub key_order: Cell<bool>,
    /// The repositories that were asked about.
    pub asked: RefCell<Vec<String>>,
    /// The bytes for texts of errors, and for what stands in place of JSON.
    rest: &'d [u8],
}

pub const OWNERS: [(&str, &str, &str); 2] = [("apps/v1", "ReplicaSet", "web"), ("batch/v1", "Job", "once")];

impl<'d> World<'d> {
    pub fn chosen(choices: &mut Choices<'d>, images: &[Image]) -> World<'d> {
        // Where nothing is out of order, it can be told what has to be admitted.
        let is_in_order = !choices.once_in(2);
        let beside = if is_in_order { &BESIDE[..IN_ORDER] } else { &BESIDE };
        let says: &[Says] = match is_in_order {
            true => &[Says::No, Says::No, Says::Yes],
            false => &[Says::No, Says::Yes, Says::YesOfAnother, Says::Error],
        };
        let repository = |choices: &mut Choices<'_>| Repository {
            is_silent: choices.once_in(8) && !is_in_order,
            lists: !choices.once_in(3),
            beside: std::array::from_fn(|_| *choices.one(beside)),
            says: std::array::from_fn(|_| *choices.one(says)),
        };
        let repositories = REPOSITORIES.iter().map(|_| repository(choices)).collect();
        let owner = |choices: &mut Choices<'_>| {
            let (is_there, is_meant) = (!choices.once_in(4), !choices.once_in(4));
            let all = images.iter().map(|image| image.text.clone());
            let lists = match choices.below(3) {
                0 => Vec::new(),
                1 => all.collect(),
                _ => all.step_by(2).collect(),
            };
            is_there.then_some(Owner { is_meant, lists, age: u64::from(choices.byte()) })
        };
        let owners = OWNERS.iter().map(|_| owner(choices)).collect();
        let step = if is_in_order { 0 } else { *choices.one(&[0, 0, 0, 1, 40, 500]) };
        let (key_order, asked) = Default::default();
        World { repositories, owners, is_in_order, step, key_order, asked, rest: choices.0 }
    }

    /// Whether the registry gives the same answer, however it is asked.
    pub fn is_steady(&self) -> bool {
        self.step == 0 && !self.repositories.iter().any(|repository| repository.is_silent)
    }

    /// Did this one sign the digest, with exactly these annotations?
    pub fn is_signed(&self, repository: usize, digest: usize, signer: usize, annotated: bool) -> bool {
        matches!(self.repositories[repository].beside[digest], Beside::Signed(by) if by.contains(&(signer, annotated)))
    }

    /// Whether the policy server says that this signer signed the digest.
    pub fn is_vouched_for(&self, repository: usize, digest: usize, signer: usize) -> bool {
        match self.repositories[repository].says[signer] {
            Says::Yes => true,
            Says::YesOfAnother => digest == 1,
            Says::No | Says::Error => false,
        }
    }

    /// Which digest stands for this one, if the tag is an index that lists it?
    pub fn index_of(&self, repository: usize, tag: Option<&str>, digest: usize) -> Option<usize> {
        let index = tag.map(pointed_to)?;
        (self.repositories[repository].lists && index == 0 && digest == 2).then_some(index)
    }

    /// Does an owner that is the one that is meant list this text?
    pub fn owner_lists(&self, text: &str, ttl: Option<u64>) -> bool {
        let is_young = |owner: &Owner| ttl.is_none_or(|ttl| owner.age < ttl);
        let lists =
            |owner: &Owner| owner.is_meant && is_young(owner) && owner.lists.iter().any(|listed| listed == text);
        self.owners.iter().flatten().any(lists)
    }

    fn error<T>(&self, read: fn(&str) -> HostError) -> Answer<T> {
        Err(read(&lossy(self.rest)))
    }

    fn json(&self, value: &Value) -> Vec<u8> {
        match self.key_order.get() {
            true => backwards(value).into_bytes(),
            false => value.to_string().into_bytes(),
        }
    }

    /// The repository, and the tag or digest, that `image` names.
    fn find(&self, image: &str) -> (&Repository, usize, String) {
        assert_eq!(ImageRef::parse(image).unwrap().to_string(), image, "asked about in another spelling");
        let (name, rest) = image.split_once('@').unwrap_or_else(|| image.rsplit_once(':').unwrap());
        self.asked.borrow_mut().push(name.to_owned());
        let at =
            REPOSITORIES.iter().position(|repository| *repository == name).expect("only what is there is asked about");
        (&self.repositories[at], at, rest.to_owned())
    }

    fn beside(&self, beside: Beside, repository: usize, digest: usize) -> Answer<Vec<u8>> {
        let signature = |repository, digest, annotated, signer| &SIGNATURES[&(repository, digest, annotated, signer)];
        let layers: Vec<Layer> = match beside {
            Beside::Signed(by) => by
                .iter()
                .map(|(signer, annotated)| signature(repository, digest, *annotated, *signer).clone())
                .collect(),
            Beside::OfAnotherDigest => vec![signature(repository, (digest + 1) % 3, false, 0).clone()],
            Beside::OfAnotherName => vec![signature((repository + 1) % REPOSITORIES.len(), digest, false, 0).clone()],
            Beside::Mixed => {
                let [right, other] = [0, 1].map(|by| signature(repository, digest, false, by));
                let wrong = signature(repository, (digest + 1) % 3, false, 0);
                vec![wrong.clone().on(&right.payload), other.clone().on(&wrong.payload)]
            }
            Beside::Nothing => return nothing(),
            Beside::Garbage => return Ok(self.rest.to_vec()),
            Beside::Error => return self.error(HostError::of_registry),
        };
        let manifest: Value =
            json!({"schemaVersion": 2, "layers": layers.iter().map(Layer::descriptor).collect::<Vec<_>>()});
        Ok(self.json(&manifest))
    }
}

impl World<'_> {
    /// A host in this world, of which nothing was asked yet.
    pub fn host(&self) -> FakeHost<'_> {
        self.asked.take();
        FakeHost::new()
            .digests(|image| self.digest(image))
            .manifests(|image| self.manifest(image))
            .verifies(|image, key| self.verify(image, key))
            .objects(|name| self.object(name))
            .every_call_takes(self.step)
    }

    fn digest(&self, image: &str) -> Answer<Digest> {
        let (repository, _, tag) = self.find(image);
        if repository.is_silent { self.error(HostError::of_registry) } else { Ok(DIGESTS[pointed_to(&tag)]) }
    }

    fn manifest(&self, image: &str) -> Answer<Vec<u8>> {
        let (repository, at, rest) = self.find(image);
        if let Some(digest) = rest.strip_suffix(".sig").and_then(|tag| number(&tag.replace('-', ":"))) {
            return self.beside(repository.beside[digest], at, digest);
        }
        match number(&rest) {
            Some(0) if repository.lists => Ok(self.json(&json!({"schemaVersion": 2, "manifests": [
                {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": DIGESTS[2].to_string(), "size": 7,
                    "platform": {"os": "linux", "architecture": "amd64"}},
            ]}))),
            _ => nothing(),
        }
    }

    fn verify(&self, image: &str, key: &PublicKey) -> Answer<Digest> {
        let (repository, _, rest) = self.find(image);
        let signer = PUBLIC.iter().position(|public| public == key).expect("only trust roots are asked about");
        match repository.says[signer] {
            Says::Yes => Ok(DIGESTS[number(&rest).unwrap_or_else(|| pointed_to(&rest))]),
            Says::YesOfAnother => Ok(DIGESTS[1]),
            Says::No => not_signed(),
            Says::Error => self.error(HostError::of_verification),
        }
    }

    fn object(&self, name: &ObjectName<'_>) -> Answer<Vec<u8>> {
        let at = OWNERS.iter().position(|(_, kind, named)| (*kind, *named) == (name.kind, name.name));
        let Some(owner) = at.and_then(|at| self.owners[at].as_ref()) else {
            return self.error(HostError::of_cluster);
        };
        let container = |image: &String| json!({"name": "c", "image": image});
        let containers: Vec<Value> = owner.lists.iter().map(container).collect();
        Ok(self.json(&json!({
            "apiVersion": name.api_version, "kind": name.kind,
            "metadata": {
                "name": name.name, "namespace": name.namespace, "uid": if owner.is_meant { "1" } else { "2" },
                "creationTimestamp": super::mint::der::timestamp(TODAY - owner.age),
            },
            "spec": {"template": {"spec": {"containers": containers}}},
        })))
    }
}

/// The public keys of those who may sign.
pub fn trust_roots(bob_is_over: bool) -> Value {
    let mut roots: Vec<Value> = (0..2).map(|signer| json!({"name": SIGNERS[signer], "key": PEMS[signer]})).collect();
    if bob_is_over {
        roots[1]["notAfter"] = "2026-01-01T00:00:00Z".into();
    }
    roots.into()
}
