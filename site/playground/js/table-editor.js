/**
 * How is the table of images edited? One row an image, with what its registry does about it.
 */

import { element, make } from "./editor.js";
import { DIGEST, STATES } from "./registry-table.js";

/** @typedef {import("./registry-table.js").Row} Row */

/** The rows on the page. */
export class TableEditor {
  constructor() {
    this.body = /** @type {HTMLElement} */ (element("table-rows"));
    element("table-add").addEventListener("click", () => this.#add({ image: "", state: "unsigned", digest: "" }, true));
  }

  /** @returns {Row[]} */
  get rows() {
    return [...this.body.children].map((row) => {
      const [image, state, digest] = [...row.querySelectorAll("input, select")].map((field) => /** @type {any} */ (field).value);
      return { image, state, digest };
    });
  }

  set rows(rows) {
    this.body.replaceChildren();
    for (const row of rows) this.#add(row, false);
  }

  /** @param {Row} row @param {boolean} takesFocus */
  #add({ image, state, digest }, takesFocus) {
    const name = make("input", { type: "text", "aria-label": "Image", value: image, placeholder: "ghcr.io/acme/app:v1", spellcheck: "false" });
    const options = Object.entries(STATES).map(([value, label]) => make("option", { value }, label));
    const choice = /** @type {HTMLSelectElement} */ (make("select", { "aria-label": "The registry" }, ...options));
    choice.value = state;
    const hash = make("input", { type: "text", "aria-label": "Digest", value: digest, placeholder: DIGEST, spellcheck: "false" });
    const remove = make("button", { type: "button", "aria-label": "Remove this image" }, "Remove");
    const line = make("tr", {}, ...[name, choice, hash, remove].map((field) => make("td", {}, field)));
    remove.addEventListener("click", () => {
      line.remove();
      element("table-add").focus();
    });
    this.body.append(line);
    if (takesFocus) name.focus();
  }
}

/**
 * The images that an object names anywhere, each once.
 * @param {any} value
 * @returns {string[]}
 */
export function imagesOf(value) {
  if (typeof value !== "object" || value === null) return [];
  const own = typeof value.image === "string" ? [value.image] : [];
  return [...new Set([...own, ...Object.values(value).flatMap(imagesOf)])];
}
