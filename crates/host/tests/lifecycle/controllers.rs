//! What do Kubernetes' own controllers do with what is stored? One step after the other, always in the same order.

use image_trust_testbed::loopback::digest_of;
use serde_json::{Value, json};

use crate::api_server::{ApiServer, NAMESPACE, Run, text, uid};
use crate::webhook::Denied;

const DEPLOYMENTS: &str = "system:serviceaccount:kube-system:deployment-controller";
const REPLICA_SETS: &str = "system:serviceaccount:kube-system:replicaset-controller";
const CRON_JOBS: &str = "system:serviceaccount:kube-system:cronjob-controller";
const JOBS: &str = "system:serviceaccount:kube-system:job-controller";
const KUBELET: &str = "system:node:one";

/// The controllers of Deployments, Jobs and Pods, and what they count.
#[derive(Default)]
pub(crate) struct Controllers {
    /// The number of times that a Deployment changed to another ReplicaSet.
    pub(crate) rollouts: usize,
    current: Option<String>,
}

impl Controllers {
    /// Lets every controller do what it can. Returns what it could not, because it was denied.
    pub(crate) fn settle(&mut self, api: &mut ApiServer) -> Vec<Denied> {
        let mut denied = Vec::new();
        for deployment in api.list("Deployment") {
            denied.extend(self.roll_out(api, &deployment).err());
        }
        for set in api.list("ReplicaSet") {
            denied.extend(fill(api, &set).err());
        }
        for deployment in api.list("Deployment") {
            denied.extend(retire(api, &deployment).err());
        }
        for set in api.list("ReplicaSet") {
            thin_out(api, &set);
        }
        start(api);
        denied
    }

    /// The ReplicaSet of the template as it is now, as large as it should be.
    fn roll_out(&mut self, api: &mut ApiServer, deployment: &Value) -> Result<(), Denied> {
        let replicas = replicas(deployment);
        let Some(mut set) = current(api, deployment) else { return self.make(api, deployment, replicas) };
        self.went_on_to(&set);
        if replicas > self::replicas(&set) {
            set["spec"]["replicas"] = json!(replicas);
            api.update(DEPLOYMENTS, None, set, Run::Real)?;
        }
        Ok(())
    }

    fn make(&mut self, api: &mut ApiServer, deployment: &Value, replicas: u64) -> Result<(), Denied> {
        let collisions = deployment["status"]["collisionCount"].as_u64().unwrap_or(0);
        let hash = digest_of(format!("{}{collisions}", deployment["spec"]["template"]).as_bytes());
        let hash = &hash["sha256:".len()..][..10];
        let name = format!("{}-{hash}", text(&deployment["metadata"]["name"]));
        if api.get("ReplicaSet", &name).is_some() {
            // It has another template, although it was made of this one: as for two templates with one hash.
            let mut deployment = deployment.clone();
            deployment["status"]["collisionCount"] = json!(collisions + 1);
            return api.update(DEPLOYMENTS, Some("status"), deployment, Run::Real).map(drop);
        }
        let mut template = deployment["spec"]["template"].clone();
        template["metadata"]["labels"]["pod-template-hash"] = json!(hash);
        let set = json!({
            "apiVersion": "apps/v1", "kind": "ReplicaSet",
            "metadata": {"name": name, "namespace": NAMESPACE, "ownerReferences": [owned_by(deployment)]},
            "spec": {"replicas": replicas, "selector": {"matchLabels": template["metadata"]["labels"]}, "template": template},
        });
        let set = api.create(DEPLOYMENTS, set, Run::Real)?;
        self.went_on_to(&set);
        Ok(())
    }

    fn went_on_to(&mut self, set: &Value) {
        let before = self.current.replace(uid(set));
        self.rollouts += usize::from(before.is_some_and(|before| before != uid(set)));
    }
}

/// Runs a CronJob once: creates a Job, and its Pod.
pub(crate) fn run(api: &mut ApiServer, cron_job: &Value) -> Result<(), Denied> {
    let mut job = cron_job["spec"]["jobTemplate"].clone();
    job["apiVersion"] = json!("batch/v1");
    job["kind"] = json!("Job");
    job["metadata"] =
        json!({"generateName": "nightly-", "namespace": NAMESPACE, "ownerReferences": [owned_by(cron_job)]});
    let job = api.create(CRON_JOBS, job, Run::Real)?;
    make_pod(api, JOBS, &job)?;
    start(api);
    Ok(())
}

fn make_pod(api: &mut ApiServer, user: &str, owner: &Value) -> Result<(), Denied> {
    let mut pod = owner["spec"]["template"].clone();
    pod["apiVersion"] = json!("v1");
    pod["kind"] = json!("Pod");
    pod["metadata"]["generateName"] = json!(format!("{}-", text(&owner["metadata"]["name"])));
    pod["metadata"]["namespace"] = json!(NAMESPACE);
    pod["metadata"]["ownerReferences"] = json!([owned_by(owner)]);
    api.create(user, pod, Run::Real).map(drop)
}

/// Makes the Pods that are missing; after the first refusal it waits, as the controller does.
fn fill(api: &mut ApiServer, set: &Value) -> Result<(), Denied> {
    for _ in children(api, "Pod", set).len()..replicas(set) as usize {
        make_pod(api, REPLICA_SETS, set)?;
    }
    Ok(())
}

/// Once the new Pods are there, the older ReplicaSets are not needed any more.
fn retire(api: &mut ApiServer, deployment: &Value) -> Result<(), Denied> {
    let Some(current) = current(api, deployment) else { return Ok(()) };
    let pods = children(api, "Pod", &current).len() as u64;
    for mut set in children(api, "ReplicaSet", deployment) {
        let wanted = if uid(&set) == uid(&current) { replicas(deployment) } else { 0 };
        if pods >= replicas(deployment) && replicas(&set) > wanted {
            set["spec"]["replicas"] = json!(wanted);
            api.update(DEPLOYMENTS, None, set, Run::Real)?;
        }
    }
    Ok(())
}

/// Deletes the Pods that are too many, the youngest first.
fn thin_out(api: &mut ApiServer, set: &Value) {
    for pod in children(api, "Pod", set).iter().skip(replicas(set) as usize) {
        api.delete(REPLICA_SETS, pod);
    }
}

/// The kubelet pulls: what a digest names, or what a tag names now.
fn start(api: &mut ApiServer) {
    for mut pod in api.list("Pod").into_iter().filter(|pod| pod["status"].is_null()) {
        let image = text(&pod["spec"]["containers"][0]["image"]);
        let (_, name) = image.split_once('/').expect("images of these tests name their registry");
        let (repository, tag) = name.split_once(':').expect("and a tag");
        let reference = tag.split_once('@').map_or(tag, |(_, digest)| digest);
        let manifest = api.webhook.registry.manifest(repository, reference).expect("the image is there");
        pod["status"] = json!({"containerStatuses": [{"name": "app", "image": image, "imageID": manifest.digest}]});
        api.update(KUBELET, Some("status"), pod, Run::Real).expect("a status brings no image");
    }
}

/// The ReplicaSet that has this template, but for the hash.
fn current(api: &ApiServer, deployment: &Value) -> Option<Value> {
    children(api, "ReplicaSet", deployment).into_iter().find(|set| template(set) == deployment["spec"]["template"])
}

/// A ReplicaSet's template as its Deployment has it.
pub(crate) fn template(set: &Value) -> Value {
    let mut template = set["spec"]["template"].clone();
    template["metadata"]["labels"].as_object_mut().unwrap().remove("pod-template-hash");
    template
}

fn children(api: &ApiServer, kind: &str, owner: &Value) -> Vec<Value> {
    let owned = |child: &Value| child["metadata"]["ownerReferences"][0]["uid"] == owner["metadata"]["uid"];
    api.list(kind).into_iter().filter(owned).collect()
}

fn owned_by(owner: &Value) -> Value {
    json!({
        "apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"], "controller": true, "blockOwnerDeletion": true,
    })
}

pub(crate) fn replicas(object: &Value) -> u64 {
    object["spec"]["replicas"].as_u64().unwrap_or(1)
}
