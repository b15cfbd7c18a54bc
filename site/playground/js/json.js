/**
 * How does a host write JSON? As Rust's serde_json writes a `Value`: keys sorted by code point, no blanks.
 *
 * Numbers are the exception: a fraction that JavaScript prints differently, such as `1.0`, is written as JavaScript prints it.
 */

/**
 * Reads JSON. Integers that a JavaScript number cannot hold stay exact where the browser tells how they were written.
 * @param {string} text
 * @returns {any}
 */
export function readJson(text) {
  return JSON.parse(text, /** @type {any} */ (exact));
}

/**
 * @param {string} _key
 * @param {any} value
 * @param {{source?: string}} [context]
 */
function exact(_key, value, context) {
  const isLarge = typeof value === "number" && !Number.isSafeInteger(value);
  return isLarge && context?.source && /^-?\d+$/.test(context.source) ? BigInt(context.source) : value;
}

/**
 * @param {any} value
 * @returns {value is {[key: string]: any}}
 */
export function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * The keys of an object, in the order of their code points. JavaScript alone would sort by UTF-16 units.
 * @param {object} object
 */
export function sortedKeys(object) {
  return Object.keys(object).sort(byCodePoint);
}

/**
 * @param {string} left
 * @param {string} right
 */
function byCodePoint(left, right) {
  const [a, b] = [[...left], [...right]];
  const at = a.findIndex((character, index) => character !== b[index]);
  if (at === -1) return a.length - b.length;
  if (at >= b.length) return 1;
  return (a[at]?.codePointAt(0) ?? 0) - (b[at]?.codePointAt(0) ?? 0);
}

/**
 * Writes a value with its keys sorted.
 * @param {any} value
 * @returns {string}
 */
export function writeJson(value) {
  if (typeof value === "bigint") return value.toString();
  if (Array.isArray(value)) return `[${value.map(writeJson).join(",")}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const members = sortedKeys(value)
    .filter((key) => value[key] !== undefined)
    .map((key) => `${JSON.stringify(key)}:${writeJson(value[key])}`);
  return `{${members.join(",")}}`;
}

/**
 * The same JSON in printable ASCII, as the command line prints it.
 * @param {string} json
 */
export function ascii(json) {
  return json.replace(/[^ -~\n]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/**
 * What a value is called in messages.
 * @param {any} value
 */
export function nameOf(value) {
  if (value === null) return "null";
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (isObject(value)) return "a mapping";
  if (typeof value === "string") return "a text";
  if (typeof value === "boolean") return `\`${value}\``;
  return "a number";
}
