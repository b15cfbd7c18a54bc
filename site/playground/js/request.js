/**
 * What does Kubernetes ask, and in which shape does the policy see it? The AdmissionRequest, with the fields that policy-server knows.
 */

import { TextError, values } from "./documents.js";
import { isObject, nameOf, writeJson } from "./json.js";

/** An AdmissionRequest whose required fields were checked. @typedef {{uid: string, object?: any, [field: string]: any}} AdmissionRequest */

const KIND = ["group", "version", "kind"];
const RESOURCE = ["group", "version", "resource"];
/** The same as in the command line, so that what is recorded there fits here. */
const UID = "00000000-0000-4000-8000-000000000000";

/**
 * The request in a text: an AdmissionRequest, an AdmissionReview, or an object that is to be created.
 * @param {string} text
 * @returns {AdmissionRequest}
 */
export function readRequest(text) {
  const all = values(text).filter((value) => value !== null);
  if (all.length === 0) throw new TextError("expected an AdmissionRequest, an AdmissionReview or a Kubernetes object, found nothing");
  if (all.length > 1) throw new TextError(`expected one object, found ${all.length} documents`);
  const [value] = all;
  if (!isObject(value)) throw new TextError(`expected a mapping, found ${nameOf(value)}`);
  if (value.kind === "AdmissionReview") {
    if (!isObject(value.request)) throw new TextError(`request: expected an AdmissionRequest, found ${nameOf(value.request)}`);
    return admissionRequest(value.request);
  }
  if (typeof value.kind !== "string") return admissionRequest(value);
  if (value.kind.endsWith("List") && Array.isArray(value.items)) {
    throw new TextError(`expected one object, found a ${value.kind}`);
  }
  return create(value);
}

/**
 * The payload of `validate`.
 * @param {AdmissionRequest} request
 * @param {any} settings
 */
export function payload(request, settings) {
  return writeJson({ request, settings });
}

/**
 * The CREATE request that the API server would send for an object.
 * @param {{[key: string]: any}} object
 * @returns {AdmissionRequest}
 */
function create(object) {
  const apiVersion = expected(object, "apiVersion", "string");
  const slash = apiVersion.indexOf("/");
  const [group, version] = slash === -1 ? ["", apiVersion] : [apiVersion.slice(0, slash), apiVersion.slice(slash + 1)];
  const text = (/** @type {any} */ value) => (typeof value === "string" ? value : undefined);
  return {
    uid: UID,
    kind: { group, version, kind: object.kind },
    resource: { group, version, resource: `${object.kind.toLowerCase()}s` },
    name: text(object.metadata?.name),
    namespace: text(object.metadata?.namespace),
    operation: "CREATE",
    userInfo: {},
    object,
  };
}

/**
 * @param {{[key: string]: any}} from
 * @returns {AdmissionRequest}
 */
function admissionRequest(from) {
  return {
    uid: expected(from, "uid", "string"),
    kind: texts(from, "kind", KIND),
    resource: texts(from, "resource", RESOURCE),
    subResource: optional(from, "subResource", "string"),
    requestKind: from.requestKind == null ? undefined : texts(from, "requestKind", KIND),
    requestResource: from.requestResource == null ? undefined : texts(from, "requestResource", RESOURCE),
    requestSubResource: optional(from, "requestSubResource", "string"),
    name: optional(from, "name", "string"),
    namespace: optional(from, "namespace", "string"),
    operation: expected(from, "operation", "string"),
    userInfo: userInfo(from.userInfo),
    object: from.object ?? undefined,
    oldObject: from.oldObject ?? undefined,
    dryRun: optional(from, "dryRun", "boolean"),
    options: from.options ?? undefined,
  };
}

/** @param {any} from */
function userInfo(from) {
  if (!isObject(from)) throw new TextError(`userInfo: expected a mapping, found ${nameOf(from)}`);
  return {
    extra: from.extra ?? undefined,
    groups: from.groups ?? undefined,
    uid: optional(from, "uid", "string"),
    username: optional(from, "username", "string"),
  };
}

/**
 * @param {{[key: string]: any}} from
 * @param {string} key
 * @param {"string" | "boolean"} type
 */
function expected(from, key, type) {
  const value = from[key];
  if (typeof value === type) return value;
  throw new TextError(`${key}: expected ${type === "string" ? "a text" : "true or false"}, found ${nameOf(value)}`);
}

/**
 * @param {{[key: string]: any}} from
 * @param {string} key
 * @param {"string" | "boolean"} type
 */
function optional(from, key, type) {
  return from[key] == null ? undefined : expected(from, key, type);
}

/**
 * A mapping of exactly these texts.
 * @param {{[key: string]: any}} from
 * @param {string} key
 * @param {string[]} names
 */
function texts(from, key, names) {
  const value = from[key];
  if (!isObject(value)) throw new TextError(`${key}: expected a mapping, found ${nameOf(value)}`);
  return Object.fromEntries(names.map((name) => [name, expected(value, name, "string")]));
}
