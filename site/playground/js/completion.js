/**
 * What could be written at the cursor? The keys and values that the schema has for the place where the cursor stands in a YAML text.
 */

/** @typedef {{[keyword: string]: any}} Schema */
/** Something that can be written, and how much of what stands there it replaces. @typedef {{label: string, insert: string, detail: string}} Suggestion */
/** @typedef {{column: number, key: string | null}} Level */

/** One line as far as its structure goes: the dashes of list items, and a key. */
const LINE = /^( *)((?:- +)*)(?:(["']?)([\w.-]+)\3:(?: +(.*))?)?/;

/**
 * Where the cursor stands: the keys that lead there (null is an item of a list), the key whose value is written, and the word so far.
 * @param {string} text
 * @param {number} cursor
 * @returns {{path: (string | null)[], key: string | null, word: string}}
 */
export function placeOf(text, cursor) {
  const lines = text.slice(0, cursor).split("\n");
  const last = lines.pop() ?? "";
  /** @type {Level[]} */
  let levels = [];
  let block = Infinity;
  for (const line of lines) {
    const indent = line.search(/\S/);
    if (indent === -1 || indent > block || (block === Infinity && line[indent] === "#")) continue;
    block = Infinity;
    const { all, value } = levelsOf(line);
    for (const level of all) levels = below(levels, level);
    // The text of a block is deeper than its key, which may stand behind a dash.
    if (/^[|>]/.test(value)) block = all.at(-1)?.column ?? indent;
  }
  if (last.length - last.trimStart().length > block) return { path: [""], key: null, word: "" };
  const braces = openBraces(last);
  const { all, key, value } = levelsOf(last.slice(0, braces.at));
  const word = /[\w.*/-]*$/.exec(last)?.[0] ?? "";
  if (braces.isOpen) {
    for (const level of all) levels = below(levels, level);
    const path = [...levels.map((level) => level.key), ...(braces.isItem ? [null] : [])];
    return { path, key: braces.key, word };
  }
  for (const level of all) levels = below(levels, level);
  if (key !== null && value !== undefined && last.includes(":")) {
    return { path: levels.slice(0, -1).map((level) => level.key), key, word };
  }
  const column = last.length - word.length;
  return { path: below(levels, { column, key: "" }).slice(0, -1).map((level) => level.key), key: null, word };
}

/** @param {string} line */
function levelsOf(line) {
  const [, indent = "", dashes = "", , key, value = ""] = LINE.exec(line) ?? [];
  /** @type {Level[]} */
  const all = [];
  let column = indent.length;
  for (const dash of dashes.match(/- +/g) ?? []) {
    all.push({ column, key: null });
    column += dash.length;
  }
  if (key !== undefined) all.push({ column, key });
  return { all, key: key ?? null, value };
}

/**
 * The levels that stay open when this one begins. An item may stand in the same column as the key of its list.
 * @param {Level[]} levels
 * @param {Level} level
 */
function below(levels, level) {
  const stays = (/** @type {Level} */ outer) =>
    outer.column < level.column || (outer.column === level.column && level.key === null && outer.key !== null);
  const end = levels.findIndex((outer) => !stays(outer));
  return [...(end === -1 ? levels : levels.slice(0, end)), level];
}

/**
 * Whether a mapping in braces is open at the end of a line, and which of its values is being written.
 * @param {string} line
 */
function openBraces(line) {
  const at = line.lastIndexOf("{");
  const isOpen = at > line.lastIndexOf("}");
  const inside = line.slice(at + 1);
  const key = /(?:^|,)\s*([\w.-]+):\s+[\w.*/-]*$/.exec(inside)?.[1] ?? null;
  return { isOpen, at: isOpen ? at : line.length, key, isItem: /\[\s*$/.test(line.slice(0, Math.max(at, 0))) };
}

/**
 * The schemas that could hold at a path.
 * @param {Schema} schema
 * @param {(string | null)[]} path
 * @returns {Schema[]}
 */
function schemasAt(schema, path) {
  const [step, ...rest] = path;
  const here = forms(schema);
  if (path.length === 0) return here;
  return here
    .map((form) => (step === null ? form.items : form.properties?.[step ?? ""] ?? additional(form)))
    .filter(Boolean)
    .flatMap((next) => schemasAt(next, rest));
}

/** @param {Schema} form */
function additional(form) {
  return typeof form.additionalProperties === "object" ? form.additionalProperties : undefined;
}

/** A schema and its alternatives. @param {Schema} schema @returns {Schema[]} */
function forms(schema) {
  return [schema, ...(schema.anyOf ?? []), ...(schema.oneOf ?? [])];
}

/**
 * @param {string} text
 * @param {number} cursor
 * @param {Schema} schema
 * @returns {{word: string, suggestions: Suggestion[]}}
 */
export function suggest(text, cursor, schema) {
  const { path, key, word } = placeOf(text, cursor);
  const isManifest = path[0] === "spec" && path[1] === "settings";
  const at = schemasAt(schema, isManifest ? path.slice(2) : path);
  const all = key === null ? keys(at) : at.flatMap((form) => schemasAt(form, [key])).flatMap(valuesOf);
  const seen = new Set();
  const suggestions = all.filter(({ label }) => {
    const isNew = !seen.has(label) && label.toLowerCase().startsWith(word.toLowerCase()) && label !== word;
    seen.add(label);
    return isNew;
  });
  return { word, suggestions };
}

/** @param {Schema[]} schemas @returns {Suggestion[]} */
function keys(schemas) {
  return schemas.flatMap((schema) =>
    Object.entries(schema.properties ?? {})
      .filter(([, property]) => typeof property === "object" && property.description)
      .map(([label, property]) => ({ label, insert: `${label}: `, detail: property.description })),
  );
}

/** @param {Schema} schema @returns {Suggestion[]} */
function valuesOf(schema) {
  const isFlag = [schema.type].flat().includes("boolean");
  const examples = (schema.examples ?? []).filter((/** @type {any} */ one) => typeof one === "string" && !one.includes("\n"));
  const values = schema.enum?.filter((/** @type {any} */ one) => one !== null) ?? (isFlag ? [true, false] : examples);
  return values.map((/** @type {any} */ value) => {
    const isDefault = value === schema.default ? "The default. " : "";
    // A star would be an alias, and a few other characters mean something, too.
    const insert = /^[\w./:@-]+$/.test(String(value)) ? String(value) : JSON.stringify(value);
    return { label: String(value), insert, detail: `${isDefault}${schema.enum || isFlag ? "" : "An example."}` };
  });
}
