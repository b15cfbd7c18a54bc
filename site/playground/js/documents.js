/**
 * What is in a text that is YAML or JSON? Settings and objects, with the line of what cannot be read.
 */

import { parseAllDocuments } from "../vendor/yaml/index.js";
import { isObject, readJson } from "./json.js";

/** Largest text that is read, in characters. */
const MAX_TEXT = 3 << 20;
/** Deepest nesting that is read. */
const MAX_DEPTH = 200;

/** A text that cannot be used, and where that is known. */
export class TextError extends Error {
  /**
   * @param {string} message
   * @param {number} [offset] the place in the text, counted in characters
   */
  constructor(message, offset) {
    super(message);
    this.offset = offset;
  }
}

/**
 * The documents of a YAML text, those that are empty left out.
 * @param {string} text
 * @returns {import("../vendor/yaml/index.js").Document[]}
 */
export function parsed(text) {
  if (text.length > MAX_TEXT) throw new TextError(`expected at most ${MAX_TEXT >> 20} MiB of text, found more`);
  const documents = [...parseAllDocuments(text, { merge: true, intAsBigInt: true, logLevel: "silent", prettyErrors: false })];
  for (const { errors } of documents) {
    if (errors[0]) throw new TextError(errors[0].message, errors[0].pos[0]);
  }
  return documents.filter((document) => document.contents !== null && document.toJS() !== null);
}

/**
 * The values of the documents of a text.
 * @param {string} text
 * @returns {any[]}
 */
export function values(text) {
  try {
    // JSON first: requests are written in it, and every browser reads it quickly.
    return [plain(readJson(text), 0)];
  } catch {
    try {
      return parsed(text).map((document) => plain(document.toJS({ maxAliasCount: 1000 }), 0));
    } catch (error) {
      if (error instanceof TextError) throw error;
      throw new TextError(error instanceof RangeError ? "it is nested too deep" : String(error));
    }
  }
}

/**
 * A value without what JSON does not have. Integers are JavaScript numbers where these are exact.
 * @param {any} value
 * @param {number} depth
 * @returns {any}
 */
function plain(value, depth) {
  if (depth > MAX_DEPTH) throw new TextError(`expected at most ${MAX_DEPTH} levels, found more`);
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (Array.isArray(value)) return value.map((item) => plain(item, depth + 1));
  if (isObject(value)) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item, depth + 1)]));
  return value === undefined ? null : value;
}

/** The kinds of Kubewarden's manifests that hold the settings of one policy. */
const POLICIES = ["ClusterAdmissionPolicy", "AdmissionPolicy"];

/**
 * The settings in a text: alone, or in the manifest of a policy.
 * @param {string} text
 * @returns {{[key: string]: any}}
 */
export function readSettings(text) {
  const all = values(text).filter((value) => value !== null);
  if (all.length === 0) return {};
  const [first] = all;
  if (all.length > 1) throw new TextError(`expected one document, found ${all.length}`);
  if (!isObject(first)) throw new TextError("expected settings as `key: value` pairs, found something else");
  if (!("kind" in first) && !("apiVersion" in first)) return first;
  if (!POLICIES.includes(first.kind)) {
    throw new TextError(`expected settings, or the manifest of a ${POLICIES.join(" or an ")}, found \`kind: ${first.kind}\``);
  }
  if (!isObject(first.spec?.settings)) throw new TextError("expected the settings of the policy in `spec.settings`, found none");
  return first.spec.settings;
}
