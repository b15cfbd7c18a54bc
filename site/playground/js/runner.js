/**
 * How is an evaluation kept from freezing the page? It runs in a worker, which is ended when its time is up.
 */

/** Longest time of one evaluation, in milliseconds. */
const LIMIT = 10_000;

/** @typedef {import("./evaluation.js").Outcome | {failure: import("./evaluation.js").Failure}} Result */

/** Runs modules, one evaluation at a time. */
export class Runner {
  /** @type {Worker | undefined} */
  #worker;
  /** @type {ArrayBuffer | undefined} */
  #sent;

  /**
   * @param {ArrayBuffer} bytes the module
   * @param {import("./evaluation.js").Inputs} inputs
   * @returns {Promise<Result>}
   */
  async run(bytes, inputs) {
    const worker = this.#worker ?? (await this.#start());
    const message = this.#sent === bytes ? { inputs } : { bytes, inputs };
    this.#sent = bytes;
    return new Promise((resolve) => {
      const end = (/** @type {string} */ why) => {
        worker.terminate();
        this.#worker = this.#sent = undefined;
        resolve({ failure: { part: "module", message: why } });
      };
      const timer = setTimeout(
        () => end(`the module did not answer within ${LIMIT / 1000} seconds, so the playground stopped it`),
        LIMIT,
      );
      worker.onmessage = ({ data }) => {
        clearTimeout(timer);
        resolve(data);
      };
      worker.onerror = (event) => {
        clearTimeout(timer);
        end(`the module failed: ${event.message || "the browser gave no reason"}`);
      };
      worker.postMessage(message);
    });
  }

  /** @returns {Promise<Worker>} */
  #start() {
    return new Promise((resolve, reject) => {
      const worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
      worker.onmessage = () => {
        this.#worker = worker;
        resolve(worker);
      };
      worker.onerror = (event) => reject(new Error(`the worker cannot be started: ${event.message || "its files did not load"}`));
    });
  }
}
