/**
 * Where does the module run? In this worker, so that the page stays usable, and can end the worker when its time is up.
 */

import { evaluate } from "./evaluation.js";
import { compile, ModuleError } from "./wapc.js";

/** @type {{bytes: ArrayBuffer, module: WebAssembly.Module} | undefined} */
let compiled;

self.addEventListener("message", ({ data: { bytes, inputs } }) => {
  try {
    // The page sends bytes only where they differ from those before.
    if (bytes) compiled = { bytes, module: compile(bytes) };
    if (!compiled) throw new ModuleError("there is no module");
    self.postMessage(evaluate(compiled.module, inputs));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    self.postMessage({ failure: { part: "module", message } });
  }
});

self.postMessage("ready");
