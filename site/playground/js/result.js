/**
 * What does the reader see of an evaluation? The verdict first, then what was changed, found, asked and logged.
 */

import { element, make } from "./editor.js";

/** @typedef {import("./runner.js").Result} Result */
/** @typedef {import("./evaluation.js").Outcome} Outcome */

const PARTS = { settings: "The settings are refused", request: "The request cannot be read", session: "The recorded session cannot be read", module: "The policy did not run" };

/** Longest text that is shown, in characters. */
const MAX_SHOWN = 100_000;

/**
 * @param {Result} result
 * @returns {string} one sentence for the live region
 */
export function showResult(result) {
  const place = element("result");
  if ("failure" in result) {
    const { part, message } = result.failure;
    place.replaceChildren(verdict("failed", PARTS[part]), make("pre", { id: "message", tabindex: "0", "aria-label": "Message" }, cut(message)));
    return `${PARTS[part]}: ${message}`;
  }
  const { response, raw, milliseconds } = result;
  const [kind, word] = response.allowed ? ["admitted", "Admitted"] : ["denied", `Denied${response.code ? ` with code ${response.code}` : ""}`];
  place.replaceChildren(
    verdict(kind, word),
    ...(response.message ? [make("pre", { id: "message", tabindex: "0", "aria-label": "Message" }, cut(response.message))] : []),
    ...unanswered(result),
    ...section("warnings", "Warnings", (response.warnings ?? []).map((warning) => make("li", {}, cut(warning))), "ul"),
    ...section("changes", "Changes of the object", response.changes.map(change), "div"),
    ...rules(result.rules),
    ...audit(response.auditAnnotations ?? {}),
    ...section("calls", `Host calls (${result.calls.length})`, result.calls.map(call), "ol"),
    ...section("log", "Log of the policy", result.log.map((line) => make("li", {}, cut(line))), "ul"),
    folded("Response as JSON", make("pre", { id: "raw", tabindex: "0", "aria-label": "Response as JSON" }, raw)),
    make("p", { class: "quiet" }, `The policy took ${milliseconds.toFixed(0)} ms.`),
  );
  const first = response.message?.split("\n")[0];
  return `${word}.${first ? ` ${first}.` : ""}`;
}

/** @param {string} text */
function cut(text) {
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}

/** @param {string} kind @param {string} text */
function verdict(kind, text) {
  const mark = { admitted: "✓", denied: "✕", failed: "!" }[kind] ?? "";
  return make("p", { id: "verdict", class: `verdict ${kind}` }, make("span", { "aria-hidden": "true" }, mark), ` ${text}`);
}

/**
 * @param {string} id
 * @param {string} title
 * @param {HTMLElement[]} children
 * @param {string} tag
 */
function section(id, title, children, tag) {
  if (children.length === 0) return [];
  return [make("section", { "aria-labelledby": `${id}-title` }, make("h3", { id: `${id}-title` }, title), make(tag, { id, class: "plain" }, ...children))];
}

/** @param {string} summary @param {...Node} children */
function folded(summary, ...children) {
  return make("details", {}, make("summary", {}, summary), ...children);
}

/** Questions that nothing answered, and answers that nobody asked for. @param {Outcome} outcome */
function unanswered({ calls, leftovers }) {
  const open = calls.filter(({ known }) => !known).map(({ capability, payload, error }) =>
    make("li", {}, make("code", {}, capability), " ", make("code", {}, cut(payload)), make("span", { class: "quiet" }, ` The policy was told: ${cut(error ?? "")}`)),
  );
  const left = leftovers.map((question) => make("li", {}, make("code", {}, cut(question))));
  return [
    ...section("unanswered", "Host calls that your answers do not cover", open, "ul"),
    ...section("leftovers", "Recorded answers that the policy did not ask for", left, "ul"),
  ];
}

/** @param {import("./response.js").Change} one */
function change({ op, path, before, value }) {
  const shown = (/** @type {any} */ what) => (typeof what === "string" ? what : JSON.stringify(what, null, 2));
  return make(
    "figure",
    { class: "change" },
    make("figcaption", {}, make("code", {}, path || "/")),
    ...(op === "add" ? [] : [make("del", {}, shown(before))]),
    ...(op === "remove" ? [] : [make("ins", {}, shown(value))]),
  );
}

const FITS = { decides: "decides", matches: "matches, another decides", "does not match": "does not match" };

/** @param {import("./rules.js").Considered[]} images */
function rules(images) {
  const tables = images.map(({ image, rows, more }) => {
    const head = make("tr", {}, ...["Rule", "Pattern", "Validator", ""].map((name) => (name ? make("th", { scope: "col" }, name) : make("td", {}))));
    const body = rows.map(({ place, pattern, validator, fit }) =>
      make("tr", { class: fit === "decides" ? "decides" : "" }, make("td", {}, make("code", {}, place)), make("td", {}, make("code", {}, cut(pattern))), make("td", {}, cut(validator)), make("td", {}, FITS[fit])),
    );
    const table = make("table", {}, make("caption", {}, cut(image)), make("thead", {}, head), make("tbody", {}, ...body));
    return make("div", { class: "scroll", role: "region", "aria-label": `Rules for ${image}`, tabindex: "0" }, table, ...(more > 0 ? [make("p", { class: "quiet" }, `${more} more rules are not shown.`)] : []));
  });
  return section("rules", "Rules", tables, "div");
}

/** @param {{[name: string]: string}} annotations */
function audit(annotations) {
  const records = Object.entries(annotations).map(([name, text]) => {
    let shown = text;
    try {
      shown = JSON.stringify(JSON.parse(text), null, 2);
    } catch {
      // An annotation of another policy is any text.
    }
    return folded(title(name, text), make("pre", { tabindex: "0", "aria-label": `Audit record ${name}` }, cut(shown)));
  });
  return section("audit", "Audit records", records, "div");
}

/** What a record is about. @param {string} name @param {string} text */
function title(name, text) {
  const [, image] = /"image":"([^"]*)"/.exec(text) ?? [];
  const [, word] = /"verdict":"([^"]*)"/.exec(text) ?? [];
  return [name, image, word].filter(Boolean).join(" · ");
}

/** @param {import("./host.js").Call} one */
function call({ capability, payload, answer, error, known }) {
  const outcome = answer === undefined ? "error" : `${answer.length} bytes`;
  const summary = make("summary", {}, make("code", {}, capability), " ", make("code", {}, cut(payload)), make("span", { class: "quiet" }, ` ${known ? outcome : "not covered"}`));
  return make("li", {}, make("details", {}, summary, make("pre", { tabindex: "0", "aria-label": `Answer to ${capability}` }, cut(answer ?? error ?? ""))));
}
