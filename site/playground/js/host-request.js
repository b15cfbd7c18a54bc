/**
 * What did the guest ask for? The questions that the playground answers, with the names and fields that kwctl's sessions have.
 */

import { isObject, nameOf } from "./json.js";

/**
 * One question. Fields are in the order in which kwctl prints them; what was not given is null.
 * @typedef {{variant: string, fields: {[name: string]: any}}} HostRequest
 */

/** A type of a field. @typedef {"text" | "flag" | "texts" | "map" | "text?" | "texts?" | "map?" | Struct} Type */
/** A named group of fields. @typedef {{name: string, fields: {[name: string]: Type}}} Struct */

/** @type {Type} */
const ATTRIBUTES = {
  name: "ResourceAttributes",
  fields: { group: "text?", name: "text?", namespace: "text?", resource: "text", subresource: "text?", verb: "text", version: "text?" },
};
/** @type {Type} */
const REVIEW = { name: "SubjectAccessReview", fields: { groups: "texts?", resource_attributes: ATTRIBUTES, user: "text" } };

/** @type {{[variant: string]: {[name: string]: Type}}} */
const VARIANTS = {
  OciManifestDigest: { image: "text" },
  OciManifest: { image: "text" },
  OciManifestAndConfig: { image: "text" },
  SigstorePubKeyVerify: { image: "text", pub_keys: "texts", annotations: "map?" },
  KubernetesGetResource: {
    api_version: "text",
    kind: "text",
    name: "text",
    namespace: "text?",
    disable_cache: "flag",
    field_masks: "texts?",
  },
  KubernetesCanI: { request: REVIEW, disable_cache: "flag" },
};

/** The questions whose payload is only the name of an image. @type {{[operation: string]: string}} */
const IMAGES = {
  "oci/v1/manifest_digest": "OciManifestDigest",
  "oci/v1/oci_manifest": "OciManifest",
  "oci/v1/oci_manifest_config": "OciManifestAndConfig",
};

/**
 * Decodes what the guest sent.
 * @param {string} namespace
 * @param {string} operation
 * @param {string} payload
 * @returns {HostRequest}
 */
export function decode(namespace, operation, payload) {
  if (!["oci", "net", "crypto", "kubernetes"].includes(namespace)) throw new Error(`unknown namespace: ${namespace}`);
  const capability = `${namespace}/${operation}`;
  const value = JSON.parse(payload);
  const image = IMAGES[capability];
  if (image) return typed(image, { image: value });
  if (capability === "oci/v2/verify") return typed(value?.type, value);
  if (capability === "kubernetes/get_resource") return typed("KubernetesGetResource", value);
  if (capability === "kubernetes/can_i") {
    return typed("KubernetesCanI", { request: value?.subject_access_review, disable_cache: value?.disable_cache });
  }
  throw new Error(`the playground does not answer ${capability}`);
}

/**
 * A question of this variant, with its fields checked.
 * @param {string} variant
 * @param {any} value
 * @returns {HostRequest}
 */
export function typed(variant, value) {
  const fields = Object.hasOwn(VARIANTS, variant) ? VARIANTS[variant] : undefined;
  if (!fields) throw new Error(`the playground does not answer ${variant}`);
  return { variant, fields: fieldsOf(value, fields, variant) };
}

/**
 * @param {any} value
 * @param {{[name: string]: Type}} fields
 * @param {string} where
 */
function fieldsOf(value, fields, where) {
  if (!isObject(value)) throw new Error(`${where}: expected a mapping, found ${nameOf(value)}`);
  return Object.fromEntries(Object.entries(fields).map(([name, type]) => [name, fieldOf(value[name], type, `${where}.${name}`)]));
}

/**
 * @param {any} value
 * @param {Type} type
 * @param {string} where
 * @returns {any}
 */
function fieldOf(value, type, where) {
  if (typeof type !== "string") return fieldsOf(value, type.fields, where);
  if (type.endsWith("?")) return value == null ? null : fieldOf(value, /** @type {Type} */ (type.slice(0, -1)), where);
  const isText = (/** @type {any} */ item) => typeof item === "string";
  const fits = /** @type {{[type: string]: boolean}} */ ({
    text: isText(value),
    flag: typeof value === "boolean",
    texts: Array.isArray(value) && value.every(isText),
    map: isObject(value) && Object.values(value).every(isText),
  })[type];
  if (!fits) throw new Error(`${where}: expected a ${type}, found ${nameOf(value)}`);
  return value;
}

/**
 * A question as the errors of a replay print it.
 * @param {HostRequest} request
 */
export function debug({ variant, fields }) {
  return debugFields(variant, fields, VARIANTS[variant] ?? {});
}

/**
 * @param {string} name
 * @param {{[name: string]: any}} values
 * @param {{[name: string]: Type}} fields
 * @returns {string}
 */
function debugFields(name, values, fields) {
  const members = Object.entries(fields).map(([field, type]) => `${field}: ${debugValue(values[field], type)}`);
  return `${name} { ${members.join(", ")} }`;
}

/**
 * @param {any} value
 * @param {Type} type
 * @returns {string}
 */
function debugValue(value, type) {
  if (typeof type !== "string") return debugFields(type.name, value, type.fields);
  if (type.endsWith("?")) {
    return value === null ? "None" : `Some(${debugValue(value, /** @type {Type} */ (type.slice(0, -1)))})`;
  }
  if (type === "texts") return `[${value.map(quoted).join(", ")}]`;
  if (type === "map") return `{${Object.keys(value).sort().map((key) => `${quoted(key)}: ${quoted(value[key])}`).join(", ")}}`;
  return type === "text" ? quoted(value) : String(value);
}

/** @param {string} text */
function quoted(text) {
  const names = /** @type {{[character: string]: string}} */ ({ "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0" });
  const escaped = text
    .replace(/["\\]/g, "\\$&")
    .replace(/[\0-\x1f\x7f]/g, (c) => names[c] ?? `\\u{${c.charCodeAt(0).toString(16)}}`);
  return `"${escaped}"`;
}
