/**
 * How does a link carry what is on the page? Compressed, behind the `#` of the address, which a browser never sends to a server.
 */

import { STATES } from "./registry-table.js";

/** @typedef {{settings: string, request: string, answers: "order" | "question" | "table", session: string, table: import("./registry-table.js").Row[], owners: boolean}} State */

const PREFIX = "#v1:";
/** Largest state that is read from a link, in bytes. */
const MAX_STATE = 4 << 20;

/**
 * @param {State} state
 * @returns {Promise<string>} the part of the address from its `#` on
 */
export async function writeLink(state) {
  const text = new Blob([JSON.stringify(state)]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  const bytes = new Uint8Array(await new Response(text).arrayBuffer());
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return PREFIX + btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/**
 * The state in a link, or null if the link has none.
 * @param {string} fragment
 * @returns {Promise<State | null>}
 */
export async function readLink(fragment) {
  if (!fragment.startsWith(PREFIX)) return null;
  try {
    const binary = atob(fragment.slice(PREFIX.length).replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
    return checked(JSON.parse(await inflated(bytes)));
  } catch (error) {
    throw new Error(`the link cannot be read: ${error instanceof Error ? error.message : error}`);
  }
}

/** @param {Uint8Array<ArrayBuffer>} bytes */
async function inflated(bytes) {
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  const parts = [];
  let length = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    length += part.value.length;
    if (length > MAX_STATE) throw new Error(`expected at most ${MAX_STATE >> 20} MiB, found more`);
    parts.push(part.value);
  }
  return new Blob(parts).text();
}

/** @param {any} state @returns {State} */
function checked(state) {
  const text = (/** @type {any} */ value) => {
    if (typeof value !== "string") throw new Error("expected a text, found something else");
    return value;
  };
  const rows = Array.isArray(state?.table) ? state.table : [];
  return {
    settings: text(state?.settings),
    request: text(state?.request),
    answers: state.answers === "table" || state.answers === "question" ? state.answers : "order",
    session: text(state?.session),
    table: rows.map((/** @type {any} */ row) => ({
      image: text(row.image),
      state: Object.hasOwn(STATES, row.state) ? row.state : "missing",
      digest: text(row.digest),
    })),
    owners: state.owners === true,
  };
}
