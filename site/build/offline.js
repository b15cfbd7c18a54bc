/**
 * Which files does the playground need without a network? Prints `offline.js`, with a version that changes with any of them.
 *
 *     node offline.js FOLDER
 */

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";

const [folder] = process.argv.slice(2);
const hash = createHash("sha256");
const files = readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => relative(folder, join(entry.parentPath ?? entry.path, entry.name)).split(sep).join("/"))
  .filter((file) => !["sw.js", "offline.js"].includes(file))
  .sort();
for (const file of files) hash.update(file).update("\0").update(readFileSync(join(folder, file)));
const offline = { version: hash.digest("hex").slice(0, 16), files: ["./", ...files] };
console.log(`self.offline = ${JSON.stringify(offline)};`);
