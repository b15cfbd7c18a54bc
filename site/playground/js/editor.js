/**
 * How is a text edited? In a plain text area, with a list of suggestions below it and a list of what is wrong.
 */

/** @typedef {import("./schema.js").Problem} Problem */
/** @typedef {import("./completion.js").Suggestion} Suggestion */

/** How long after the last key a text is checked, in milliseconds. */
const PAUSE = 300;

/** @param {string} id */
export function element(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no element "${id}"`);
  return /** @type {any} */ (found);
}

/**
 * @param {string} tag
 * @param {{[attribute: string]: string}} attributes
 * @param {...(string | Node)} children
 */
export function make(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** A text area, what is wrong with its text, and what could be written next. */
export class Editor {
  /**
   * @param {string} id the id of the text area; its lists are `ID-problems` and `ID-suggestions`
   * @param {(text: string) => Problem[]} check
   * @param {(text: string, cursor: number) => {word: string, suggestions: Suggestion[]}} [suggest]
   */
  constructor(id, check, suggest) {
    this.id = id;
    this.area = /** @type {HTMLTextAreaElement} */ (element(id));
    this.problems = /** @type {HTMLElement} */ (element(`${id}-problems`));
    this.check = check;
    this.area.addEventListener("input", () => this.#later());
    if (suggest) this.suggestions = new Suggestions(this.area, element(`${id}-suggestions`), element(`${id}-suggest`), suggest);
  }

  get text() {
    return this.area.value;
  }

  set text(text) {
    this.area.value = text;
    this.show(this.check(text));
  }

  #later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.show(this.check(this.area.value)), PAUSE);
  }

  /** @param {Problem[]} problems */
  show(problems) {
    clearTimeout(this.timer);
    this.area.setAttribute("aria-invalid", String(problems.length > 0));
    this.problems.replaceChildren(
      ...problems.map(({ line, message }) => {
        const go = make("button", { type: "button", class: "link" }, `Line ${line}`);
        go.addEventListener("click", () => this.#select(line));
        return make("li", {}, go, `: ${message}`);
      }),
    );
  }

  /** @param {number} line */
  #select(line) {
    const lines = this.area.value.split("\n");
    const from = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
    this.area.focus();
    this.area.setSelectionRange(from, from + (lines[line - 1]?.length ?? 0));
    // Without this, a browser may leave the line outside of the visible part.
    this.area.scrollTop = (this.area.scrollHeight / lines.length) * Math.max(0, line - 4);
  }
}

/** The list of what could be written at the cursor. */
class Suggestions {
  /**
   * @param {HTMLTextAreaElement} area
   * @param {HTMLElement} list
   * @param {HTMLButtonElement} button
   * @param {(text: string, cursor: number) => {word: string, suggestions: Suggestion[]}} suggest
   */
  constructor(area, list, button, suggest) {
    this.area = area;
    this.list = list;
    this.suggest = suggest;
    /** @type {Suggestion[]} */
    this.offered = [];
    this.word = "";
    this.at = 0;
    area.addEventListener("input", () => this.isOpen && this.open());
    // The list can be reached with the tab key, too, and then has the same keys.
    for (const part of [area, list]) {
      part.addEventListener("keydown", (event) => this.#key(event));
      part.addEventListener("blur", ({ relatedTarget }) => relatedTarget !== area && relatedTarget !== list && this.close());
    }
    // The text area keeps the focus, and with it its cursor.
    for (const part of [list, button]) part.addEventListener("pointerdown", (event) => event.preventDefault());
    button.addEventListener("click", () => {
      area.focus();
      this.open();
    });
    list.addEventListener("click", (event) => {
      const option = /** @type {HTMLElement} */ (event.target).closest("[role=option]");
      if (option) this.#take([...list.children].indexOf(option));
    });
  }

  get isOpen() {
    return !this.list.hidden;
  }

  open() {
    const { word, suggestions } = this.suggest(this.area.value, this.area.selectionStart);
    this.word = word;
    this.offered = suggestions;
    this.at = 0;
    const options = suggestions.map(({ label, detail }, index) =>
      make("li", { role: "option", id: `${this.list.id}-${index}` }, make("code", {}, label), " ", make("span", {}, detail)),
    );
    const none = make("li", { role: "option", "aria-disabled": "true" }, "The schema knows nothing that fits here.");
    this.list.replaceChildren(...(options.length > 0 ? options : [none]));
    this.list.hidden = false;
    this.#mark();
  }

  close() {
    this.list.hidden = true;
    this.area.removeAttribute("aria-activedescendant");
  }

  #mark() {
    [...this.list.children].forEach((option, index) => option.setAttribute("aria-selected", String(index === this.at)));
    const marked = this.offered.length > 0 ? this.list.children[this.at] : undefined;
    if (!marked) return this.area.removeAttribute("aria-activedescendant");
    this.area.setAttribute("aria-activedescendant", marked.id);
    marked.scrollIntoView({ block: "nearest" });
  }

  /** @param {number} index */
  #take(index) {
    const offered = this.offered[index];
    this.area.focus();
    this.close();
    if (!offered) return;
    const end = this.area.selectionStart;
    this.area.setRangeText(offered.insert, end - this.word.length, end, "end");
    this.area.dispatchEvent(new Event("input"));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const { key } = event;
    if (key === " " && event.ctrlKey) this.open();
    else if (!this.isOpen) return;
    else if (key === "Escape") this.#take(-1);
    else if (key === "ArrowDown" || key === "ArrowUp") {
      const count = Math.max(this.offered.length, 1);
      this.at = (this.at + (key === "ArrowDown" ? 1 : count - 1)) % count;
      this.#mark();
    } else if (key === "Enter" && !event.ctrlKey && !event.metaKey && this.offered.length > 0) this.#take(this.at);
    else return;
    event.preventDefault();
  }
}
