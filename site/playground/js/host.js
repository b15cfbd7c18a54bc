/**
 * What may a guest call, and what does it read when it does? The gate that every host call passes, with policy-server's words for each refusal.
 */

import { decode } from "./host-request.js";
import { HostError } from "./wapc.js";

/** What answers a question. `known` is false where there was nothing to answer it from. @typedef {{payload?: string, error?: string, known: boolean}} Answer */
/** @typedef {{answer: (request: import("./host-request.js").HostRequest) => Answer, leftovers: () => string[]}} Answers */
/** A host call that was made. @typedef {{capability: string, payload: string, answer?: string, error?: string, known: boolean}} Call */

/** So many calls and lines are kept; a module that makes more is told so and goes on. */
const MAX_KEPT = 2000;

/** A host with what happened at it. */
export class Host {
  /**
   * @param {Answers} answers
   * @param {{apiVersion: string, kind: string}[]} resources those that the policy may read
   */
  constructor(answers, resources) {
    this.answers = answers;
    this.resources = resources;
    /** @type {Call[]} */
    this.calls = [];
    /** @type {string[]} */
    this.log = [];
  }

  /** @param {string} line */
  print(line) {
    if (this.log.length < MAX_KEPT) this.log.push(line);
  }

  /** @type {import("./wapc.js").HostFunction} */
  call = (binding, namespace, operation, bytes) => {
    const payload = new TextDecoder().decode(bytes);
    if (binding === "kubewarden" && namespace === "tracing" && operation === "log") {
      this.print(payload);
      return new Uint8Array();
    }
    const answer = binding === "kubewarden" ? this.#answer(namespace, operation, payload) : refused(`unknown binding: ${binding}`);
    if (this.calls.length < MAX_KEPT) {
      const { payload: given, error, known } = answer;
      this.calls.push({ capability: `${namespace}/${operation}`, payload, answer: given, error, known });
    }
    if (answer.payload === undefined) throw new HostError(answer.error ?? "");
    return new TextEncoder().encode(answer.payload);
  };

  /**
   * @param {string} namespace
   * @param {string} operation
   * @param {string} payload
   * @returns {Answer}
   */
  #answer(namespace, operation, payload) {
    let request;
    try {
      request = decode(namespace, operation, payload);
    } catch (error) {
      return { error: error instanceof Error ? error.message : String(error), known: false };
    }
    const { api_version: version, kind } = request.fields;
    const isListed = this.resources.some((resource) => resource.apiVersion === version && resource.kind === kind);
    if (request.variant === "KubernetesGetResource" && !isListed) {
      return refused(`Policy has not been granted access to Kubernetes ${version}/${kind} resources. The violation has been reported.`);
    }
    const { payload: given, error, known } = this.answers.answer(request);
    return given === undefined ? { error: `Callback evaluation failure: ${error}`, known } : { payload: given, known };
  }
}

/**
 * @param {string} error
 * @returns {Answer}
 */
function refused(error) {
  return { error, known: true };
}
