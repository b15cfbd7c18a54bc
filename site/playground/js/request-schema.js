/**
 * What can be written in a request? The fields of Kubernetes that the policy reads, as a JSON Schema for the suggestions.
 */

const KINDS = ["Pod", "PodTemplate", "ReplicationController", "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob"];

/** @param {string} description @param {{[keyword: string]: any}} [more] */
const field = (description, more = {}) => ({ description, ...more });
/** @param {string} description @param {{[key: string]: any}} properties */
const mapping = (description, properties) => field(description, { properties });
/** @param {string} description @param {{[key: string]: any}} properties */
const list = (description, properties) => field(description, { items: { properties } });

const image = field("The image: a name with a tag, a digest, or both.", { examples: ["ghcr.io/acme/app:v1"] });
const apiVersion = field("The group and version of the object.", { enum: ["v1", "apps/v1", "batch/v1"] });
const name = field("The name of the object.");
const namespace = field("The namespace of the object.", { examples: ["default"] });

/** @param {string} description */
const containers = (description) => list(description, { name: field("The name of the container, unique in the Pod."), image });

const metadata = mapping("The name, the namespace and the annotations of the object.", {
  name,
  namespace,
  annotations: mapping("Notes for programs.", {
    "image-trust.dev/break-glass": field("Why the object has to be admitted although nothing is proven. It counts only for users who have the permission."),
  }),
  ownerReferences: list("The objects that own this one.", {
    apiVersion,
    kind: field("The kind of the owner.", { enum: KINDS }),
    name: field("The name of the owner."),
    uid: field("The UID of the owner."),
    controller: field("Whether the owner manages the object.", { type: "boolean" }),
  }),
});

const pod = {
  containers: containers("The containers of the Pod. At least one is needed."),
  initContainers: containers("Containers that run before the others."),
  ephemeralContainers: containers("Containers that kubectl debug adds to a running Pod."),
  volumes: list("The volumes of the Pod.", {
    name: field("The name of the volume."),
    image: mapping("A volume with the files of an image.", { reference: image }),
  }),
};

const template = mapping("The Pods that the object creates.", { metadata, spec: mapping("What such a Pod runs.", pod) });

const object = {
  apiVersion,
  kind: field("The kind of the object.", { enum: KINDS }),
  metadata,
  template,
  spec: mapping("What the object asks for. A Pod has its containers here, other kinds have a template.", {
    ...pod,
    template,
    replicas: field("How many Pods are wanted."),
    schedule: field("When a CronJob runs.", { examples: ["0 3 * * *"] }),
    jobTemplate: mapping("The Jobs that a CronJob creates.", { metadata, spec: mapping("What such a Job asks for.", { template }) }),
  }),
};

/** @param {string} last @param {string[]} names */
const versioned = (last, names) => ({
  group: field("The API group. The group of Pods is empty.", { enum: ["apps", "batch"] }),
  version: field("The version of the group.", { enum: ["v1"] }),
  [last]: field(`The ${last} of the object.`, { enum: names }),
});

const request = {
  uid: field("The UID of the request."),
  kind: mapping("The kind of the object, with its group and version.", versioned("kind", KINDS)),
  resource: mapping("The resource, with its group and version.", versioned("resource", KINDS.map((kind) => `${kind.toLowerCase()}s`))),
  subResource: field("The subresource, if the request is about one.", { enum: ["ephemeralcontainers", "resize", "status", "scale"] }),
  name,
  namespace,
  operation: field("What is done with the object.", { enum: ["CREATE", "UPDATE", "DELETE", "CONNECT"] }),
  userInfo: mapping("Who makes the request.", { username: field("The name of the user."), groups: field("The groups of the user.") }),
  object: mapping("The object as it would be stored.", object),
  oldObject: mapping("The object as it is stored now. Only updates and deletions have one.", object),
  dryRun: field("Whether nothing is stored.", { type: "boolean" }),
};

/** An object, an AdmissionRequest, or an AdmissionReview with one. */
export const REQUEST = { anyOf: [{ properties: object }, { properties: request }, { properties: { request: mapping("The request of an AdmissionReview.", request) } }] };
