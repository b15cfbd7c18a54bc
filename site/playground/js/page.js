/**
 * What happens on the page? It fills the editors from an example or a link, runs the policy when asked, and shows the result.
 */

import { suggest } from "./completion.js";
import { Editor, element, make } from "./editor.js";
import { readLink, writeLink } from "./link.js";
import { readRequest } from "./request.js";
import { REQUEST } from "./request-schema.js";
import { showResult } from "./result.js";
import { Runner } from "./runner.js";
import { lineOf, settingsProblems, syntaxProblems } from "./schema.js";
import { readSession } from "./session.js";
import { imagesOf, TableEditor } from "./table-editor.js";

/** @typedef {import("./link.js").State} State */
/** @typedef {{name: string, title: string, verdict: string, about: string, settings: string, request: string, session: string}} Example */

/** @param {string} file */
async function fetched(file) {
  const response = await fetch(new URL(`../${file}`, import.meta.url));
  if (!response.ok) throw new Error(`${file} cannot be loaded: HTTP ${response.status}`);
  return response;
}

/**
 * Tells a text. A result is for screen readers only, since it stands below.
 * @param {string} text
 * @param {boolean} [isResult]
 */
function say(text, isResult = false) {
  const status = element("status");
  status.textContent = text;
  status.classList.toggle("unseen", isResult);
}

/**
 * A check by a reader of ours, after that of the syntax.
 * @param {(text: string) => unknown} read
 * @returns {(text: string) => import("./schema.js").Problem[]}
 */
function checkedBy(read) {
  return (text) => {
    const problems = syntaxProblems(text);
    if (problems.length > 0) return problems;
    try {
      read(text);
      return [];
    } catch (error) {
      const { message, offset = 0 } = /** @type {import("./documents.js").TextError} */ (error);
      return [{ line: lineOf(text, offset), message }];
    }
  };
}

const [schema, { examples, resources }, policy] = await Promise.all([
  fetched("settings.schema.json").then((file) => file.json()),
  fetched("examples.json").then((file) => file.json()),
  fetched("policy.wasm").then((file) => file.arrayBuffer()),
]);

const runner = new Runner();
let module = policy;
const settings = new Editor("settings", (text) => settingsProblems(text, schema), (text, cursor) => suggest(text, cursor, schema));
const request = new Editor("request", checkedBy(readRequest), (text, cursor) => suggest(text, cursor, REQUEST));
const session = new Editor("session", checkedBy(readSession));
const table = new TableEditor();
const owners = /** @type {HTMLInputElement} */ (element("owners"));
const answers = /** @type {HTMLSelectElement} */ (element("answers"));
const menu = /** @type {HTMLSelectElement} */ (element("example"));

/** @returns {State} */
function state() {
  return {
    settings: settings.text,
    request: request.text,
    answers: /** @type {State["answers"]} */ (answers.value),
    session: session.text,
    table: table.rows,
    owners: owners.checked,
  };
}

/** @param {State} from */
function fill(from) {
  settings.text = from.settings;
  request.text = from.request;
  session.text = from.session;
  answers.value = from.answers;
  table.rows = from.table;
  owners.checked = from.owners;
  showAnswers();
}

function showAnswers() {
  element("session-part").hidden = answers.value === "table";
  element("table-part").hidden = answers.value !== "table";
}

/** The run that goes on, and whether the inputs changed meanwhile. @type {Promise<void> | undefined} */
let running;
let isAskedAgain = false;

/** Runs the policy on what the page has now. One run at a time: who asks meanwhile gets another one after it. */
async function run() {
  isAskedAgain = running !== undefined;
  running ??= runAll();
  await running;
}

async function runAll() {
  const button = element("run");
  // A disabled button would lose the focus.
  button.setAttribute("aria-disabled", "true");
  element("result").setAttribute("aria-busy", "true");
  do {
    isAskedAgain = false;
    await runOnce();
  } while (isAskedAgain);
  element("result").removeAttribute("aria-busy");
  button.removeAttribute("aria-disabled");
  running = undefined;
}

async function runOnce() {
  say("The policy runs …");
  try {
    const { owners: mayRead, ...inputs } = state();
    say(showResult(await runner.run(module, { ...inputs, resources: mayRead ? resources : [] })), true);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    say(showResult({ failure: { part: "module", message } }), true);
  }
}

/** @param {Example} example */
async function showExample(example) {
  element("about").textContent = example.about;
  fill({ ...example, answers: "order", table: [], owners: false });
  await run();
}

/** Runs the policy, and shows the result where it is out of sight, as on a phone. */
async function runAndLook() {
  await run();
  const title = element("result-title");
  if (title.getBoundingClientRect().top > innerHeight - 100) title.scrollIntoView();
}

/** @param {Event} event */
async function takeModule(event) {
  const [file] = /** @type {HTMLInputElement} */ (event.target).files ?? [];
  module = file ? await file.arrayBuffer() : policy;
  element("module-name").textContent = file ? `The policy is the file ${file.name}.` : "";
  await run();
}

function fillTable() {
  try {
    const known = table.rows.filter(({ image }) => image.trim() !== "");
    const images = imagesOf(readRequest(request.text).object).filter((image) => !known.some((row) => row.image === image));
    table.rows = [...known, ...images.map((image) => ({ image, state: /** @type {const} */ ("unsigned"), digest: "" }))];
    say(`The table has ${table.rows.length} ${table.rows.length === 1 ? "image" : "images"}.`);
  } catch (error) {
    say(`The request cannot be read: ${error instanceof Error ? error.message : error}`);
  }
}

async function share() {
  const link = new URL(await writeLink(state()), location.href).href;
  history.replaceState(null, "", link);
  try {
    await navigator.clipboard.writeText(link);
    say("The link is in the clipboard and in the address bar.");
  } catch {
    say("The link is in the address bar.");
  }
}

async function start() {
  try {
    const shared = await readLink(location.hash);
    if (!shared) return await showExample(examples[0]);
    menu.value = "";
    element("about").textContent = "The inputs come from the link.";
    fill(shared);
    await run();
  } catch (error) {
    await showExample(examples[0]);
    say(error instanceof Error ? `${error.message}. The page shows an example instead.` : String(error));
  }
}

menu.append(...examples.map((/** @type {Example} */ { name, title }) => make("option", { value: name }, title)));
menu.addEventListener("change", () => {
  const example = examples.find((/** @type {Example} */ { name }) => name === menu.value);
  if (example) showExample(example);
});
menu.value = examples[0].name;
answers.addEventListener("change", showAnswers);
element("run").addEventListener("click", runAndLook);
element("share").addEventListener("click", share);
element("module").addEventListener("change", takeModule);
element("module-reset").addEventListener("click", () => {
  element("module").value = "";
  element("module").dispatchEvent(new Event("change"));
});
element("table-fill").addEventListener("click", fillTable);
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    runAndLook();
  }
});
addEventListener("hashchange", start);
navigator.serviceWorker?.register(new URL("../sw.js", import.meta.url)).catch(() => {
  // Without it, the page works, and needs the network once more to be opened again.
});
await start();
document.documentElement.dataset.ready = "true";
