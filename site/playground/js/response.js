/**
 * What does the cluster get to see of a policy's answer? The AdmissionResponse, field by field, as policy-server and kwctl write it.
 */

import { ascii, isObject, readJson, sortedKeys, writeJson } from "./json.js";

/**
 * One change of the object.
 * @typedef {{op: "add" | "replace" | "remove", path: string, before?: any, value?: any}} Change
 */

/**
 * @typedef {object} AdmissionResponse
 * @property {string} uid
 * @property {boolean} allowed
 * @property {Change[]} changes
 * @property {string} [message]
 * @property {number} [code]
 * @property {{[name: string]: string} | null} auditAnnotations
 * @property {string[] | null} warnings
 */

const MUTATED_NOTHING =
  "Incoming object is null, which happens only with DELETE operations, but the policy is attempting a mutation. This is not allowed";

/**
 * @param {string} uid
 * @param {string} message
 * @param {number} [code]
 * @returns {AdmissionResponse}
 */
function reject(uid, message, code) {
  return { uid, allowed: false, changes: [], message, code, auditAnnotations: null, warnings: null };
}

/**
 * The answer of a host that ran into trouble.
 * @param {string} uid
 * @param {string} problem
 */
export function internalError(uid, problem) {
  return reject(uid, `internal server error: ${problem}`, 500);
}

/**
 * @param {string} uid
 * @param {any} object the object of the request, or undefined
 * @param {string} text what the guest returned
 * @returns {AdmissionResponse}
 */
export function fromGuest(uid, object, text) {
  /** @type {any} */
  let answer;
  try {
    answer = readJson(text);
  } catch (error) {
    return internalError(uid, `invalid response from policy: ${error instanceof Error ? error.message : error}`);
  }
  if (typeof answer?.accepted !== "boolean") {
    return internalError(uid, "invalid response from policy: missing field `accepted`");
  }
  const mutated = answer.mutated_object ?? null;
  if (mutated !== null && object === undefined) return reject(uid, MUTATED_NOTHING);
  return {
    uid,
    allowed: answer.accepted,
    changes: mutated === null ? [] : changes(object, mutated, ""),
    message: answer.message ?? undefined,
    code: answer.code ?? undefined,
    auditAnnotations: answer.audit_annotations ?? null,
    warnings: answer.warnings ?? null,
  };
}

/**
 * The bytes that `image-trust run` prints for this response, without the line's end.
 * @param {AdmissionResponse} response
 */
export function writeResponse(response) {
  const { uid, allowed, message, code, auditAnnotations, warnings } = response;
  const members = [`"uid":${writeJson(uid)}`, `"allowed":${allowed}`];
  if (response.changes.length > 0) members.push('"patchType":"JSONPatch"', `"patch":"${base64(patch(response.changes))}"`);
  const status = [];
  if (message !== undefined) status.push(`"message":${writeJson(message)}`);
  if (code !== undefined) status.push(`"code":${code}`);
  if (status.length > 0) members.push(`"status":{${status.join(",")}}`);
  members.push(`"auditAnnotations":${writeJson(auditAnnotations)}`, `"warnings":${writeJson(warnings)}`);
  return ascii(`{${members.join(",")}}`);
}

/**
 * A JSON patch (RFC 6902).
 * @param {Change[]} list
 */
function patch(list) {
  const one = (/** @type {Change} */ { op, path, value }) =>
    `{"op":"${op}","path":${writeJson(path)}${op === "remove" ? "" : `,"value":${writeJson(value)}`}}`;
  return `[${list.map(one).join(",")}]`;
}

/** @param {string} text */
function base64(text) {
  return btoa(Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join(""));
}

/**
 * The changes that make `after` of `before`. Lists are compared place by place.
 * @param {any} before
 * @param {any} after
 * @param {string} path
 * @returns {Change[]}
 */
function changes(before, after, path) {
  if (isObject(before) && isObject(after)) {
    const below = (/** @type {string} */ key) => `${path}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    const kept = sortedKeys(after).flatMap((key) =>
      Object.hasOwn(before, key)
        ? changes(before[key], after[key], below(key))
        : [/** @type {Change} */ ({ op: "add", path: below(key), value: after[key] })],
    );
    const gone = sortedKeys(before).filter((key) => !Object.hasOwn(after, key));
    return [...kept, ...gone.map((key) => /** @type {Change} */ ({ op: "remove", path: below(key), before: before[key] }))];
  }
  if (Array.isArray(before) && Array.isArray(after)) {
    const kept = after.flatMap((value, index) =>
      index < before.length
        ? changes(before[index], value, `${path}/${index}`)
        : [/** @type {Change} */ ({ op: "add", path: `${path}/${index}`, value })],
    );
    // Each removal moves the rest, so all of them are at one place.
    const gone = before.slice(after.length);
    return [
      ...kept,
      ...gone.map((value) => /** @type {Change} */ ({ op: "remove", path: `${path}/${after.length}`, before: value })),
    ];
  }
  return writeJson(before) === writeJson(after) ? [] : [{ op: "replace", path, before, value: after }];
}
