/**
 * Do these settings fit the JSON Schema? The keywords that the schema of the settings uses, and the place in the text of each mistake.
 */

import { parsed, TextError } from "./documents.js";
import { isObject, nameOf } from "./json.js";

/** @typedef {{[keyword: string]: any}} Schema */
/** A mistake, and where it is: the line is counted from 1. @typedef {{line: number, message: string}} Problem */
/** @typedef {(string | number)[]} Path */

/** So many mistakes are shown. */
const MAX_PROBLEMS = 20;

/** @param {string} text @param {number} offset */
export function lineOf(text, offset) {
  return text.slice(0, offset).split("\n").length;
}

/**
 * What is wrong with the syntax of a YAML or JSON text.
 * @param {string} text
 * @returns {Problem[]}
 */
export function syntaxProblems(text) {
  try {
    parsed(text);
    return [];
  } catch (error) {
    if (!(error instanceof TextError)) return [{ line: 1, message: String(error) }];
    return [{ line: lineOf(text, error.offset ?? 0), message: error.message }];
  }
}

/**
 * What is wrong with settings: their syntax, or else what the schema does not allow.
 * @param {string} text
 * @param {Schema} schema
 * @returns {Problem[]}
 */
export function settingsProblems(text, schema) {
  const problems = syntaxProblems(text);
  if (problems.length > 0) return problems;
  const [document] = parsed(text);
  if (!document) return [];
  /** @type {any} */
  let value = JSON.parse(JSON.stringify(document.toJS(), (_, item) => (typeof item === "bigint" ? Number(item) : item)));
  /** @type {Path} */
  let root = [];
  if (isObject(value) && "kind" in value && isObject(value.spec?.settings)) {
    value = value.spec.settings;
    root = ["spec", "settings"];
  }
  return check(value, schema, [])
    .slice(0, MAX_PROBLEMS)
    .map(({ path, message }) => {
      const where = path.length === 0 ? "" : `${written(path)}: `;
      return { line: lineOf(text, offsetOf(document, [...root, ...path])), message: where + message };
    })
    .sort((left, right) => left.line - right.line);
}

/** @param {Path} path */
function written(path) {
  return path.map((step, index) => (typeof step === "number" ? `[${step}]` : `${index ? "." : ""}${step}`)).join("");
}

/**
 * Where a path stands in the text, or else where its parent does.
 * @param {import("../vendor/yaml/index.js").Document} document
 * @param {Path} path
 * @returns {number}
 */
function offsetOf(document, path) {
  if (path.length === 0) return document.range?.[0] ?? 0;
  const parent = /** @type {any} */ (path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true));
  const last = path.at(-1);
  const pair = parent?.items?.find((/** @type {any} */ item) => item?.key?.value === last);
  const node = pair?.key ?? (typeof last === "number" ? parent?.items?.[last] : undefined);
  return node?.range?.[0] ?? offsetOf(document, path.slice(0, -1));
}

/**
 * @param {any} value
 * @param {Schema} schema
 * @param {Path} path
 * @returns {{path: Path, message: string}[]}
 */
export function check(value, schema, path) {
  const wrong = (/** @type {string} */ message) => [{ path, message }];
  const fits = (/** @type {Schema} */ other) => check(value, other, path).length === 0;
  if (schema.type && ![schema.type].flat().some((type) => isOf(value, type))) {
    return wrong(`expected ${[schema.type].flat().filter((type) => type !== "null").map(nameOfType).join(" or ")}, found ${nameOf(value)}`);
  }
  if (schema.enum && !schema.enum.includes(value)) {
    return wrong(`expected ${list(schema.enum.filter((/** @type {any} */ one) => one !== null))}, found \`${value}\``);
  }
  if ("const" in schema && value !== schema.const) return wrong(`expected \`${schema.const}\`, found \`${value}\``);
  const found = [...bounds(value, schema).flatMap(wrong), ...members(value, schema, path)];
  if (schema.not && fits(schema.not)) found.push(...wrong(value === null ? "expected a value, found none" : "not allowed here"));
  for (const all of schema.allOf ?? []) found.push(...check(value, all, path));
  if (schema.if && fits(schema.if) && schema.then) found.push(...check(value, schema.then, path));
  const ways = schema.anyOf ?? schema.oneOf;
  if (ways && !ways.some(fits)) found.push(...closest(ways.map((/** @type {Schema} */ way) => check(value, way, path)), path));
  if (schema.oneOf && schema.oneOf.filter(fits).length > 1) found.push(...wrong("expected one of several forms, found two"));
  return found;
}

/**
 * The mistakes of the way that is meant, as far as that can be told: one whose mistakes lie deeper than the value itself.
 * @param {{path: Path, message: string}[][]} ways
 * @param {Path} path
 */
function closest(ways, path) {
  const deep = ways.filter((problems) => problems.every((problem) => problem.path.length > path.length));
  const [first] = (deep.length > 0 ? deep : ways).sort((left, right) => left.length - right.length);
  return first ?? [];
}

/**
 * @param {any} value
 * @param {Schema} schema
 */
function bounds(value, schema) {
  const found = [];
  const { minLength, maxLength, minItems, maxItems, maxProperties, minimum, maximum, pattern } = schema;
  if (typeof value === "string") {
    const length = [...value].length;
    if (length < minLength) found.push(minLength === 1 ? "expected a text, found an empty one" : `expected at least ${minLength} characters, found ${length}`);
    if (length > maxLength) found.push(`expected at most ${maxLength} characters, found ${length}`);
    if (pattern && !new RegExp(pattern, "u").test(value)) found.push(`expected a text that matches \`${pattern}\`, found \`${value.slice(0, 60)}\``);
  }
  if (typeof value === "number") {
    if (value < minimum) found.push(`expected at least ${minimum}, found ${value}`);
    if (value > maximum) found.push(`expected at most ${maximum}, found ${value}`);
  }
  if (Array.isArray(value)) {
    if (value.length < minItems) found.push(`expected at least ${minItems === 1 ? "1 entry" : `${minItems} entries`}, found ${value.length || "none"}`);
    if (value.length > maxItems) found.push(`expected at most ${maxItems} entries, found ${value.length}`);
  }
  if (isObject(value) && Object.keys(value).length > maxProperties) found.push(`expected at most ${maxProperties} keys, found more`);
  return found;
}

/**
 * @param {any} value
 * @param {Schema} schema
 * @param {Path} path
 */
function members(value, schema, path) {
  /** @type {{path: Path, message: string}[]} */
  const found = [];
  if (Array.isArray(value) && schema.items) {
    value.forEach((item, index) => found.push(...check(item, schema.items, [...path, index])));
  }
  if (!isObject(value)) return found;
  const properties = schema.properties ?? {};
  for (const [key, item] of Object.entries(value)) {
    if (Object.hasOwn(properties, key)) found.push(...check(item, properties[key], [...path, key]));
    else if (schema.additionalProperties === false) {
      found.push({ path: [...path, key], message: `unknown key; expected ${list(Object.keys(properties))}` });
    } else if (isObject(schema.additionalProperties)) found.push(...check(item, schema.additionalProperties, [...path, key]));
  }
  for (const key of schema.required ?? []) {
    if (!Object.hasOwn(value, key)) found.push({ path, message: `expected the key \`${key}\`, found none` });
  }
  return found;
}

/** @param {any[]} values */
function list(values) {
  const quoted = values.map((value) => `\`${value}\``);
  return quoted.length > 1 ? `${quoted.slice(0, -1).join(", ")} or ${quoted.at(-1)}` : quoted.join("");
}

/** @param {any} value @param {string} type */
function isOf(value, type) {
  if (type === "null") return value === null;
  if (type === "array") return Array.isArray(value);
  if (type === "object") return isObject(value);
  if (type === "integer") return Number.isInteger(value);
  return typeof value === type;
}

/** @param {string} type */
function nameOfType(type) {
  const names = /** @type {{[type: string]: string}} */ ({
    string: "a text",
    boolean: "true or false",
    integer: "a whole number",
    number: "a number",
    array: "a list",
    object: "a mapping",
  });
  return names[type] ?? type;
}
