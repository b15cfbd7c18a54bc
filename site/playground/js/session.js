/**
 * How does a recorded session answer? In the order in which it was recorded, as kwctl replays it, or by question.
 */

import { parsed, TextError, values } from "./documents.js";
import { debug, typed } from "./host-request.js";
import { isObject, nameOf, writeJson } from "./json.js";

/** @typedef {import("./host-request.js").HostRequest} HostRequest */
/** @typedef {{request: HostRequest, key: string, payload?: string, error?: string, used: boolean}} Exchange */

/**
 * Reads kwctl's YAML: a list of exchanges. The request of each is YAML inside of a text.
 * @param {string} text
 * @returns {Exchange[]}
 */
export function readSession(text) {
  const all = values(text).filter((value) => value !== null);
  if (all.length === 0) return [];
  if (all.length > 1 || !Array.isArray(all[0])) throw new TextError("expected a list of exchanges, as kwctl records it, found something else");
  return all[0].map((/** @type {any} */ value, /** @type {number} */ index) => {
    try {
      return exchange(value);
    } catch (error) {
      throw new TextError(`exchange ${index + 1}: ${error instanceof Error ? error.message : error}`);
    }
  });
}

/**
 * @param {any} value
 * @returns {Exchange}
 */
function exchange(value) {
  if (!isObject(value) || value.type !== "Exchange") throw new Error("expected `type: Exchange`, found another type");
  if (typeof value.request !== "string") throw new Error(`request: expected a text, found ${nameOf(value.request)}`);
  const [document, ...more] = parsed(value.request);
  const contents = /** @type {any} */ (document?.contents);
  if (!contents?.tag?.startsWith("!") || more.length > 0) throw new Error("request: expected one question such as `!OciManifest`");
  const request = typed(contents.tag.slice(1), document?.toJS());
  const { type, payload, message } = isObject(value.response) ? value.response : /** @type {any} */ ({});
  const key = keyOf(request);
  if (type === "Success" && typeof payload === "string") return { request, key, payload, used: false };
  if (type === "Error" && typeof message === "string") return { request, key, error: message, used: false };
  throw new Error("response: expected `Success` with a payload or `Error` with a message, found something else");
}

/** @param {HostRequest} request */
function keyOf({ variant, fields }) {
  return `${variant} ${writeJson(fields)}`;
}

/** The answers of a recorded session. */
export class Replay {
  /**
   * @param {Exchange[]} exchanges
   * @param {boolean} inOrder
   */
  constructor(exchanges, inOrder) {
    this.exchanges = exchanges.map((one) => ({ ...one, used: false }));
    this.inOrder = inOrder;
  }

  /**
   * @param {HostRequest} request
   * @returns {import("./host.js").Answer}
   */
  answer(request) {
    const left = this.exchanges.filter(({ used }) => !used);
    const key = keyOf(request);
    if (this.inOrder) {
      const [next] = left;
      if (next) next.used = true;
      if (!next || next.key === key) return next ? answerOf(next) : unanswered();
      const problem = `unexpected request. Was expecting ${debug(next.request)}, got ${debug(request)} instead`;
      return { error: `Replay error: ${problem}`, known: false };
    }
    const fitting = left.find((one) => one.key === key) ?? this.exchanges.findLast((one) => one.key === key);
    if (!fitting) return unanswered();
    fitting.used = true;
    return answerOf(fitting);
  }

  /** The questions of the session that nobody asked. */
  leftovers() {
    return this.exchanges.filter(({ used }) => !used).map(({ request }) => debug(request));
  }
}

/** @param {Exchange} exchange */
function answerOf({ payload, error }) {
  return payload === undefined ? { error: error ?? "", known: true } : { payload, known: true };
}

/** @returns {import("./host.js").Answer} */
function unanswered() {
  return { error: "the list of recorded responses is empty", known: false };
}
