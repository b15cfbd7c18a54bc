/**
 * What does the policy say about one request? The steps of `image-trust run`: read the texts, check the settings, evaluate.
 */

import { readSettings, TextError } from "./documents.js";
import { Host } from "./host.js";
import { writeJson } from "./json.js";
import { Table } from "./registry-table.js";
import { payload, readRequest } from "./request.js";
import { fromGuest, internalError, writeResponse } from "./response.js";
import { considered } from "./rules.js";
import { readSession, Replay } from "./session.js";
import { GuestError, instantiate, ModuleError } from "./wapc.js";

/**
 * What the page was told.
 * @typedef {object} Inputs
 * @property {string} settings
 * @property {string} request
 * @property {"order" | "question" | "table"} answers
 * @property {string} session
 * @property {import("./registry-table.js").Row[]} table
 * @property {{apiVersion: string, kind: string}[]} resources
 */

/** @typedef {"settings" | "request" | "session" | "module"} Part */
/** An evaluation that could not be made. @typedef {{part: Part, message: string, log?: string[]}} Failure */
/**
 * @typedef {object} Outcome
 * @property {import("./response.js").AdmissionResponse} response
 * @property {string} raw the response as `image-trust run` prints it
 * @property {import("./host.js").Call[]} calls
 * @property {string[]} log
 * @property {string[]} leftovers
 * @property {import("./rules.js").Considered[]} rules
 * @property {number} milliseconds
 */

/**
 * @param {WebAssembly.Module} module
 * @param {Inputs} inputs
 * @returns {Outcome | {failure: Failure}}
 */
export function evaluate(module, inputs) {
  let part = /** @type {Part} */ ("settings");
  try {
    const settings = readSettings(inputs.settings);
    part = "request";
    const request = readRequest(inputs.request);
    part = "session";
    const answers =
      inputs.answers === "table" ? new Table(inputs.table) : new Replay(readSession(inputs.session), inputs.answers === "order");
    part = "module";
    const refusal = checkSettings(module, settings);
    if (refusal !== null) return { failure: { part: "settings", message: refusal } };
    const host = new Host(answers, inputs.resources);
    const started = performance.now();
    const response = decide(module, request, settings, host);
    const milliseconds = performance.now() - started;
    const images = texts(request.object);
    const rules = considered(settings, images, response.auditAnnotations ?? {}, (asked, its) => decide(module, asked, its, silent()).auditAnnotations ?? {});
    const { calls, log } = host;
    return { response, raw: writeResponse(response), calls, log, leftovers: answers.leftovers(), rules, milliseconds };
  } catch (error) {
    if (error instanceof TextError || error instanceof ModuleError) return { failure: { part, message: error.message } };
    throw error;
  }
}

/**
 * Why the policy would not start with these settings, or null.
 * @param {WebAssembly.Module} module
 * @param {any} settings
 */
function checkSettings(module, settings) {
  const host = silent();
  const guest = instantiate(module, host.call, () => {});
  let answer;
  try {
    answer = JSON.parse(guest.call("validate_settings", writeJson(settings)));
  } catch (error) {
    if (!(error instanceof GuestError || error instanceof SyntaxError)) throw error;
    return `Error invoking settings validation callback: ${error.message}`;
  }
  if (host.calls[0]) return `the policy called ${host.calls[0].capability} while it checked its settings`;
  return answer?.valid === true ? null : String(answer?.message ?? "the policy gave no reason");
}

/** Every text in a value. @param {any} value @returns {string[]} */
function texts(value) {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(texts) : [];
}

/** A host that answers nothing. */
function silent() {
  return new Host({ answer: () => ({ error: "the host is not listening", known: true }), leftovers: () => [] }, []);
}

/**
 * @param {WebAssembly.Module} module
 * @param {import("./request.js").AdmissionRequest} request
 * @param {any} settings
 * @param {Host} host
 * @returns {import("./response.js").AdmissionResponse}
 */
function decide(module, request, settings, host) {
  const text = payload(request, settings);
  const guest = instantiate(module, host.call, (line) => host.print(line));
  try {
    return fromGuest(request.uid, request.object, guest.call("validate", text));
  } catch (error) {
    if (!(error instanceof GuestError)) throw error;
    return internalError(request.uid, `Guest call failure: ${error.message}`);
  }
}
