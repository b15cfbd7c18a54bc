//! A cluster with one Deployment, a registry with its images, and git: what can happen to them.

use std::collections::{BTreeMap, BTreeSet};

use image_trust_testbed::loopback::{Fault, ImageKind, Registry, Scope, Signer};
use serde_json::{Value, json};

use crate::api_server::{ApiServer, NAMESPACE, Run, text};
use crate::controllers::{Controllers, replicas, template};
use crate::gitops::{Round, Tool};
use crate::webhook::{Cost, Denied};

const REPOSITORY: &str = "shop/app";
pub(crate) const HUMAN: &str = "jane";

/// The mode of the policy, and what git contains.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mode {
    /// The name of the mode in the tables.
    pub(crate) name: &'static str,
    /// The `mode` of the rule.
    pub(crate) rule: &'static str,
    /// `features`, but for the time budget.
    pub(crate) features: &'static str,
    /// Whether the manifest in git names digests.
    pub(crate) pinned_in_git: bool,
    /// Whether the policy is an AdmissionPolicy, for one namespace.
    pub(crate) namespaced: bool,
}

/// An image, by the letter that the tables give it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Image {
    /// The first one that tag 1 names.
    A,
    /// The one that tag 1 names later.
    B,
    /// The one that tag 2 names.
    C,
    /// An image that nobody signed.
    X,
}

pub(crate) struct World {
    pub(crate) api: ApiServer,
    pub(crate) controllers: Controllers,
    mode: Mode,
    git: Value,
}

impl World {
    pub(crate) fn new(mode: Mode) -> Self {
        let registry = Registry::start().unwrap();
        for (image, tag) in [(Image::B, "1"), (Image::A, "1"), (Image::C, "2"), (Image::X, "unsigned")] {
            let digest = push(&registry, image, tag);
            if image != Image::X {
                Signer::named("alice").sign(&registry, REPOSITORY, &digest, &BTreeMap::new()).unwrap();
            }
        }
        let settings = settings(&registry, mode, "alice");
        let mut world = Self {
            api: ApiServer::new(registry, settings),
            controllers: Controllers::default(),
            mode,
            git: Value::Null,
        };
        if mode.namespaced {
            world.api.webhook.be_namespaced();
        }
        let container = json!({"name": "app", "env": [{"name": "LEVEL", "value": "info"}]});
        world.git = json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web", "namespace": NAMESPACE, "labels": {"app": "web"}},
            "spec": {
                "selector": {"matchLabels": {"app": "web"}},
                "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}},
            },
        });
        world.git_names("1", Image::A);
        world
    }

    /// Git names this tag, and with it this image where digests are in git.
    pub(crate) fn git_names(&mut self, tag: &str, image: Image) {
        let digest = if self.mode.pinned_in_git { format!("@{}", self.digest(image)) } else { String::new() };
        let text = format!("{}/{REPOSITORY}:{tag}{digest}", self.api.webhook.registry.host());
        self.container()["image"] = json!(text);
    }

    /// Git changes something else of the container.
    pub(crate) fn git_sets(&mut self, level: &str) {
        self.container()["env"][0]["value"] = json!(level);
    }

    fn container(&mut self) -> &mut Value {
        &mut self.git["spec"]["template"]["spec"]["containers"][0]
    }

    /// Tag 1 names this image from now on, and the host has forgotten which one it was.
    pub(crate) fn tag_moves(&mut self, to: Image) {
        push(&self.api.webhook.registry, to, "1");
        self.api.webhook.forget();
    }

    /// The registry answers nobody, and the host remembers nothing.
    pub(crate) fn registry_fails(&mut self) {
        self.api.webhook.registry.fail(Scope::Everywhere, Fault::ServerError);
        self.api.webhook.forget();
    }

    pub(crate) fn registry_heals(&mut self) {
        self.api.webhook.registry.heal();
        self.api.webhook.forget();
    }

    /// The trust root has another key from now on: this signer's.
    pub(crate) fn trusts(&mut self, signer: &str) {
        let settings = settings(&self.api.webhook.registry, self.mode, signer);
        self.api.webhook.configure(settings);
        self.api.webhook.forget();
    }

    /// Allows every image, as if there were no policy yet.
    pub(crate) fn trusts_everything(&mut self) {
        let allow = json!({"name": "allow", "type": "static", "approve": true});
        let settings = json!({"validators": [allow], "policy": [{"pattern": "*:*", "validator": "allow"}]});
        self.api.webhook.configure(settings);
    }

    /// Somebody changes a variable of the live Deployment, and no image (`kubectl set env`).
    pub(crate) fn set_env(&mut self, level: &str) -> Vec<Denied> {
        let mut deployment = self.live();
        deployment["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"] = json!(level);
        self.by_hand(deployment)
    }

    fn by_hand(&mut self, deployment: Value) -> Vec<Denied> {
        match self.api.update(HUMAN, None, deployment, Run::Real) {
            Ok(_) => self.settle(),
            Err(denied) => vec![denied],
        }
    }

    /// A round and its price, and whom the controllers could not make after it.
    pub(crate) fn round(&mut self, tool: Tool) -> (Round, Cost, Vec<Denied>) {
        self.api.webhook.take_cost();
        let round = tool.round(&mut self.api, &self.git);
        let cost = self.api.webhook.take_cost();
        (round, cost, self.settle())
    }

    pub(crate) fn settle(&mut self) -> Vec<Denied> {
        self.controllers.settle(&mut self.api)
    }

    /// Somebody scales the Deployment (`kubectl scale`, or an autoscaler) by so many Pods.
    pub(crate) fn scale_by(&mut self, pods: i64) -> Vec<Denied> {
        let mut deployment = self.live();
        deployment["spec"]["replicas"] = json!(replicas(&deployment) as i64 + pods);
        self.api.update(HUMAN, Some("scale"), deployment, Run::Real).expect("`scale` brings no image");
        self.settle()
    }

    /// A node goes away, and its Pod with it: the youngest.
    pub(crate) fn lose_a_pod(&mut self) -> Vec<Denied> {
        let pod = self.api.list("Pod").pop().expect("a Pod runs");
        self.api.delete("system:node:one", &pod);
        self.settle()
    }

    /// `kubectl rollout undo`: the template of the ReplicaSet before the current one, if there is one.
    pub(crate) fn undo(&mut self) -> Option<Vec<Denied>> {
        let mut deployment = self.live();
        let sets = self.api.list("ReplicaSet");
        let earlier = sets.iter().rev().map(template).find(|template| *template != deployment["spec"]["template"])?;
        deployment["spec"]["template"] = earlier;
        Some(self.by_hand(deployment))
    }

    /// The Deployment as git has it.
    pub(crate) fn git(&self) -> &Value {
        &self.git
    }

    pub(crate) fn live(&self) -> Value {
        self.api.get("Deployment", "web").expect("it was applied")
    }

    /// The image of the Deployment, as it is live.
    pub(crate) fn live_image(&self) -> String {
        self.shown(&self.live()["spec"]["template"]["spec"])
    }

    /// A pod spec's image as the tables write it.
    pub(crate) fn shown(&self, spec: &Value) -> String {
        let image = text(&spec["containers"][0]["image"]);
        let name = image.rsplit_once('/').map_or(image.as_str(), |(_, name)| name);
        match name.split_once('@') {
            Some((name, digest)) => format!("`{name}@{}`", self.letter(digest)),
            None => format!("`{name}`"),
        }
    }

    /// A CronJob of the containers that git has now.
    pub(crate) fn cron_job(&self) -> Value {
        let mut spec = self.git["spec"]["template"]["spec"].clone();
        spec["restartPolicy"] = json!("Never");
        json!({
            "apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "nightly", "namespace": NAMESPACE},
            "spec": {"schedule": "0 3 * * *", "jobTemplate": {"spec": {"template": {"spec": spec}}}},
        })
    }

    /// The images that all Pods run, as letters.
    pub(crate) fn runs(&self) -> String {
        let letters: BTreeSet<String> = self.api.list("Pod").iter().map(|pod| self.image_of(pod)).collect();
        letters.into_iter().collect::<Vec<_>>().join(" and ")
    }

    /// The image that the youngest Pod runs, as a letter.
    pub(crate) fn youngest(&self) -> String {
        self.image_of(self.api.list("Pod").last().expect("a Pod runs"))
    }

    fn image_of(&self, pod: &Value) -> String {
        self.letter(&text(&pod["status"]["containerStatuses"][0]["imageID"]))
    }

    fn letter(&self, digest: &str) -> String {
        let images = [Image::A, Image::B, Image::C, Image::X];
        images
            .iter()
            .find(|image| self.digest(**image) == digest)
            .map_or_else(|| digest.to_owned(), |i| format!("{i:?}"))
    }

    fn digest(&self, image: Image) -> String {
        // Nobody moves this tag.
        let manifest = self.api.webhook.registry.manifest(REPOSITORY, &format!("{image:?}"));
        manifest.expect("every image was pushed").digest
    }

    /// Deletes the Deployment while a finalizer holds it, and lets the finalizer go; first with another image.
    pub(crate) fn delete_with_finalizer(&mut self, image: &str) -> [Vec<Denied>; 2] {
        let mut deployment = self.live();
        deployment["metadata"]["finalizers"] = json!(["example.com/clean-up"]);
        self.api.update(HUMAN, Some("status"), deployment.clone(), Run::Real).expect("no image changes");
        self.api.delete(HUMAN, &deployment);
        let mut free = self.live();
        free["metadata"]["finalizers"] = json!([]);
        let mut changed = free.clone();
        let registry = self.api.webhook.registry.host();
        changed["spec"]["template"]["spec"]["containers"][0]["image"] =
            json!(format!("{registry}/{REPOSITORY}:{image}"));
        // In a dry run, because where it is admitted the object would be gone.
        let changed = self.api.update(HUMAN, None, changed, Run::Dry);
        self.api.webhook.take_cost();
        let freed = self.api.update(HUMAN, None, free, Run::Real);
        assert_eq!(
            freed.is_ok(),
            self.api.get("Deployment", "web").is_none(),
            "an object goes with its last finalizer"
        );
        [changed, freed].map(|result| result.err().into_iter().collect())
    }

    /// The number of ReplicaSets that were created for the Deployment.
    pub(crate) fn replica_sets(&self) -> usize {
        self.api.list("ReplicaSet").len()
    }
}

fn push(registry: &Registry, image: Image, tag: &str) -> String {
    registry.push_image(REPOSITORY, &format!("{image:?}"), ImageKind::Oci, &format!("{image:?}"));
    registry.push_image(REPOSITORY, tag, ImageKind::Oci, &format!("{image:?}"))
}

/// Settings with one rule, and a trust root with the key of this signer.
fn settings(registry: &Registry, mode: Mode, signer: &str) -> Value {
    let mut features: Value = serde_yaml::from_str(mode.features).unwrap();
    // What is tested is never how busy this machine is.
    features["timeBudgetMs"] = json!(30_000);
    json!({
        "validators": [{
            "name": "default", "type": "cosign",
            "trustRoots": [{"name": "default", "key": Signer::named(signer).public_pem()}],
        }],
        "policy": [{"pattern": format!("{}/shop/*", registry.host()), "with": {"mode": mode.rule}}],
        "features": features,
    })
}
