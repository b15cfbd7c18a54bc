/**
 * How does a browser run a waPC module? It offers the functions that waPC and WASI name, and calls `__guest_call` in a fresh instance.
 */

import { wasi } from "./wasi.js";

/**
 * Answers a host call with bytes, or throws a HostError.
 * @typedef {(binding: string, namespace: string, operation: string, payload: Uint8Array) => Uint8Array} HostFunction
 */

/** An answer that tells the guest why there is none. */
export class HostError extends Error {}

/** The guest returned an error, or trapped. */
export class GuestError extends Error {}

/** The file is no module that can be run. */
export class ModuleError extends Error {}

const encode = (/** @type {string} */ text) => new TextEncoder().encode(text);

/**
 * @param {BufferSource} bytes
 * @returns {WebAssembly.Module}
 */
export function compile(bytes) {
  try {
    return new WebAssembly.Module(bytes);
  } catch (error) {
    throw new ModuleError(`not a WebAssembly module that this browser can compile: ${messageOf(error)}`);
  }
}

/**
 * A fresh instance, ready to be called.
 * @param {WebAssembly.Module} module
 * @param {HostFunction} host
 * @param {(text: string) => void} print
 */
export function instantiate(module, host, print) {
  const guest = new Guest(host, print);
  const imports = /** @type {any} */ ({ wapc: guest.wapc(), wasi_snapshot_preview1: wasi(() => guest.memory(), print) });
  for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
    if (kind !== "function" || !imports[from]?.[name]) {
      throw new ModuleError(`the module imports ${kind} \`${from}.${name}\`, which the playground does not offer`);
    }
  }
  const exported = WebAssembly.Module.exports(module).map(({ name }) => name);
  for (const name of ["memory", "__guest_call"]) {
    if (!exported.includes(name)) throw new ModuleError(`the module does not export \`${name}\`, so it is no waPC module`);
  }
  try {
    guest.start(new WebAssembly.Instance(module, imports));
  } catch (error) {
    throw new ModuleError(`the module cannot be started: ${messageOf(error)}`);
  }
  return guest;
}

/** @param {unknown} error */
function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

/** One instance, with what it says and is told. */
class Guest {
  /**
   * @param {HostFunction} host
   * @param {(text: string) => void} print
   */
  constructor(host, print) {
    this.host = host;
    this.print = print;
    this.operation = new Uint8Array();
    this.request = new Uint8Array();
    /** @type {Uint8Array | null} */
    this.response = null;
    /** @type {string | null} */
    this.error = null;
    /** @type {Uint8Array} */
    this.hostResponse = new Uint8Array();
    /** @type {Uint8Array} */
    this.hostError = new Uint8Array();
    /** @type {any} */
    this.exports = {};
  }

  memory() {
    return /** @type {WebAssembly.Memory} */ (this.exports.memory);
  }

  /** @param {WebAssembly.Instance} instance */
  start(instance) {
    this.exports = instance.exports;
    this.exports._start?.();
    this.exports.wapc_init?.();
  }

  /**
   * Calls a guest function by its waPC name.
   * @param {string} operation
   * @param {string} payload
   * @returns {string}
   */
  call(operation, payload) {
    this.operation = encode(operation);
    this.request = encode(payload);
    this.response = null;
    this.error = null;
    let succeeded;
    try {
      succeeded = this.exports.__guest_call(this.operation.length, this.request.length);
    } catch (error) {
      throw new GuestError(messageOf(error));
    }
    if (succeeded !== 1) throw new GuestError(this.error ?? "No error message set for call failure");
    if (this.response === null) throw new GuestError(this.error ?? "No error message OR response set for call success");
    return new TextDecoder().decode(this.response);
  }

  /** The functions that waPC names. */
  wapc() {
    const bytes = (/** @type {number} */ from, /** @type {number} */ length) =>
      new Uint8Array(this.memory().buffer, from >>> 0, length >>> 0).slice();
    const text = (/** @type {number} */ from, /** @type {number} */ length) => new TextDecoder().decode(bytes(from, length));
    const write = (/** @type {number} */ into, /** @type {Uint8Array} */ what) =>
      new Uint8Array(this.memory().buffer).set(what, into >>> 0);
    return {
      __guest_request: (/** @type {number} */ operation, /** @type {number} */ request) => {
        write(operation, this.operation);
        write(request, this.request);
      },
      __guest_response: (/** @type {number} */ from, /** @type {number} */ length) => {
        this.response = bytes(from, length);
      },
      __guest_error: (/** @type {number} */ from, /** @type {number} */ length) => {
        this.error = text(from, length);
      },
      __host_call: (/** @type {number[]} */ ...at) => {
        const [b = 0, bn = 0, n = 0, nn = 0, o = 0, on = 0, p = 0, pn = 0] = at;
        try {
          this.hostResponse = this.host(text(b, bn), text(n, nn), text(o, on), bytes(p, pn));
          return 1;
        } catch (error) {
          if (!(error instanceof HostError)) throw error;
          this.hostError = encode(error.message);
          return 0;
        }
      },
      __host_response_len: () => this.hostResponse.length,
      __host_response: (/** @type {number} */ into) => write(into, this.hostResponse),
      __host_error_len: () => this.hostError.length,
      __host_error: (/** @type {number} */ into) => write(into, this.hostError),
      __console_log: (/** @type {number} */ from, /** @type {number} */ length) => this.print(text(from, length)),
    };
  }
}
