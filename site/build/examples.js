/**
 * Which examples does the playground have? Cases of the corpus, made readable. Prints `examples.json`.
 *
 *     node examples.js FOLDER METADATA
 *
 * FOLDER is where `xtask case --into FOLDER` wrote the cases. Without arguments, it prints the names of the cases.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";

/** The case, its title in the menu, the verdict, and what it shows. */
const EXAMPLES = [
  ["signed-tag-is-pinned", "A signed tag is pinned", "Admitted", "The image is signed with the key of the settings. The policy writes the digest that it verified behind the tag."],
  ["unsigned-image-is-denied", "An unsigned image is denied", "Denied with code 403", "The registry has the image, but no signature of it. The message tells what would help."],
  ["image-signed-by-somebody-else-is-denied", "A signature with another key is denied", "Denied with code 403", "The image is signed, but not with the key of the settings."],
  ["two-of-three-are-enough", "Two of three signers are enough", "Admitted", "The rule has threshold 2, and two of the three trust roots signed."],
  ["alice-signing-twice-is-one-signer", "Who signs twice is one signer", "Denied with code 403", "The rule wants two signers. There are two signatures, and one key made both."],
  ["bundle-of-a-workflow-is-proven", "Keyless: a GitHub workflow signed", "Admitted", "A workflow of GitHub signed with a certificate from Fulcio. The rule names its owner, repository and file."],
  ["bundle-by-a-key-is-proven", "A bundle of cosign 3", "Admitted", "The signature is a Sigstore bundle in an evidence manifest, which image-trust collect writes."],
  ["notation-jws-is-proven", "Notation: a trusted certificate signed", "Admitted", "The signature is in Notation's format. The CA of the settings issued its certificate."],
  ["notation-identity-of-bob-is-denied", "Notation: another identity is denied", "Denied with code 403", "The CA is trusted, but the certificate names a signer that the settings do not list."],
  ["notary-signed-tag-is-pinned", "Docker Content Trust: a signed tag is pinned", "Admitted", "The digest comes from the signed targets of Notary v1, not from the registry."],
  ["annotation-without-the-permission-has-no-effect", "Break-glass without the permission is denied", "Denied with code 403", "The Pod has the annotation for break-glass. The API server says that the user lacks the permission, so the image is denied."],
  ["user-with-the-permission-breaks-the-glass", "Break-glass with the permission", "Admitted", "The user has the permission, so an unsigned image is admitted with a warning and an audit record."],
  ["connection-refused-is-told", "The registry cannot be reached", "Denied with code 503", "Nobody can tell whether the image is signed. That is code 503, and not code 403."],
];

/** The keys that readers look for first. */
const FIRST = ["apiVersion", "kind", "metadata", "name", "namespace", "type", "pattern", "validator", "validators", "trustRoots", "operation", "userInfo"];

/** The same value with those keys in front. */
function ordered(value) {
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value !== "object" || value === null) return value;
  const rank = (key) => (FIRST.includes(key) ? FIRST.indexOf(key) : FIRST.length);
  const keys = Object.keys(value).sort((left, right) => rank(left) - rank(right));
  return Object.fromEntries(keys.map((key) => [key, ordered(value[key])]));
}

const yaml = (text) => stringify(ordered(parse(text)), { lineWidth: 0 });

const [folder, metadata] = process.argv.slice(2);
if (!folder) {
  console.log(EXAMPLES.map(([name]) => name).join("\n"));
} else {
  const examples = EXAMPLES.map(([name, title, verdict, about]) => {
    const read = (file) => readFileSync(join(folder, name, file), "utf8");
    return { name, title, verdict, about, settings: yaml(read("settings.yaml")), request: yaml(read("request.json")), session: read("session.yaml") };
  });
  const { contextAwareResources: resources } = parse(readFileSync(metadata, "utf8"));
  console.log(JSON.stringify({ examples, resources }));
}
