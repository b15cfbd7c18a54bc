/**
 * What happens with inputs that are wrong? The page stays usable, and tells what is wrong.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { open, result, run, visit } from "./browser.js";
import * as guests from "./guests.js";

/** @type {Awaited<ReturnType<typeof open>>} */
let browser;
before(async () => {
  browser = await open();
  await visit(browser.page, browser.url);
});
after(() => browser?.close());

/** Runs this module instead of the policy. */
async function take(name, buffer) {
  const { page } = browser;
  await page.evaluate(() => document.querySelectorAll("details").forEach((one) => (one.open = true)));
  await page.evaluate(() => document.getElementById("result")?.replaceChildren());
  await page.setInputFiles("#module", { name, mimeType: "application/wasm", buffer });
}

test("a module that loops forever is stopped, and the page is usable meanwhile", async () => {
  const { page } = browser;
  const started = Date.now();
  await take("endless.wasm", guests.endless);
  await page.waitForFunction(() => document.getElementById("status")?.textContent === "The policy runs …");
  for (let turn = 0; turn < 5; turn += 1) {
    const asked = Date.now();
    await page.fill("#settings", `policy: [] # ${turn}`);
    assert.ok(Date.now() - asked < 1000, "the page answers at once");
  }
  await result(page);
  assert.match(await page.textContent("#message"), /did not answer within 10 seconds, so the playground stopped it/);
  assert.match(await page.textContent("#status"), /The policy did not run/);
  const took = Date.now() - started;
  assert.ok(took > 9000 && took < 15_000, `${took} ms`);
});

const table = [
  ["text.wasm", guests.text, /not a WebAssembly module that this browser can compile/],
  ["import.wasm", guests.importing, /the module imports function `env.fopen`, which the playground does not offer/],
  ["empty.wasm", Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]), /does not export `memory`/],
  ["trap.wasm", guests.trapping, /Error invoking settings validation callback: unreachable/],
];
for (const [name, bytes, expected] of table) {
  test(`a bad module is told: ${name}`, async () => {
    await take(name, bytes);
    await result(browser.page);
    assert.match(await browser.page.textContent("#message"), expected);
  });
}

test("image-trust runs again afterwards", async () => {
  const { page } = browser;
  await page.click("#module-reset");
  await page.selectOption("#example", "signed-tag-is-pinned");
  await page.waitForSelector("#verdict.admitted");
});

test("what is chosen during a run is run after it", async () => {
  const { page } = browser;
  await page.evaluate((names) => {
    const menu = document.getElementById("example");
    for (const name of names) {
      menu.value = name;
      menu.dispatchEvent(new Event("change"));
    }
  }, ["two-of-three-are-enough", "signed-tag-is-pinned", "unsigned-image-is-denied"]);
  await page.waitForSelector("#verdict.denied");
  await result(page);
  assert.match(await page.textContent("#message"), /not signed/);
});

test("settings that are wrong are told at their line, and refused by the policy", async () => {
  const { page } = browser;
  const rows = [
    ["validators: [", /Line 1: /, null],
    ["validators:\n  - name: a\n    type: cosine\npolicy: []\n", /Line 3: validators\[0\]\.type: expected `static`/, /validators\[0\]/],
    ["validators: []\npolicy: []\nfeature: {}\n", /Line 3: feature: unknown key/, /feature/],
    ["- a\n", /expected a mapping, found a list/, /expected settings as `key: value` pairs/],
    ["kind: Pod\napiVersion: v1\n", /unknown key/, /found `kind: Pod`/],
  ];
  for (const [text, problem, message] of rows) {
    await page.fill("#settings", text);
    // The text is checked once the keys rest.
    await page.waitForTimeout(600);
    assert.match(await page.textContent("#settings-problems"), problem);
    assert.equal(await page.getAttribute("#settings", "aria-invalid"), "true");
    await run(page);
    assert.match(await page.textContent("#verdict"), /The settings are refused/);
    if (message) assert.match(await page.textContent("#message"), message);
  }
  await page.click("#settings-problems button");
  assert.equal(await page.evaluate(() => document.activeElement?.id), "settings", "the button goes to the line");
});

test("a request that is wrong is told", async () => {
  const { page } = browser;
  await page.selectOption("#example", "signed-tag-is-pinned");
  await page.waitForSelector("#verdict.admitted");
  const rows = [
    ["", /found nothing/],
    ["[]", /expected a mapping, found a list/],
    ["a: 1\n---\nb: 2\n", /found 2 documents/],
    ["kind: PodList\nitems: []\n", /expected one object, found a PodList/],
    ["uid: u\n", /kind: expected a mapping, found nothing/],
    ["kind: AdmissionReview\n", /request: expected an AdmissionRequest, found nothing/],
    [`a: ${"[".repeat(50_000)}`, /./],
  ];
  for (const [text, expected] of rows) {
    await page.fill("#request", text);
    await run(page);
    assert.match(await page.textContent("#verdict"), /The request cannot be read/);
    assert.match(await page.textContent("#message"), expected);
  }
});

test("a session that is wrong is told, and what it does not answer", async () => {
  const { page } = browser;
  await page.selectOption("#example", "signed-tag-is-pinned");
  await page.waitForSelector("#verdict.admitted");
  const session = await page.inputValue("#session");
  await page.fill("#session", "- type: Exchange\n  request: '!OciManifest {image: 1}'\n");
  await run(page);
  assert.match(await page.textContent("#message"), /exchange 1: OciManifest.image: expected a text, found a number/);
  await page.fill("#session", session.replace("acme/app:v1", "acme/app:v2"));
  await run(page);
  assert.match(await page.textContent("#unanswered"), /oci\/v1\/manifest_digest "ghcr.io\/acme\/app:v1".*Replay error: unexpected request. Was expecting OciManifestDigest/);
  // In any order, a second image does not use up the answers of the first one.
  await page.fill("#session", session.split(/^(?=- )/m).reverse().join(""));
  await page.selectOption("#answers", "question");
  await run(page);
  assert.equal(await page.textContent("#verdict"), "✓ Admitted");
});

test("a table of images answers in the registry's words", async () => {
  const { page } = browser;
  await page.selectOption("#example", "signed-tag-is-pinned");
  await page.waitForSelector("#verdict.admitted");
  await page.selectOption("#answers", "table");
  await page.click("#table-fill");
  assert.equal(await page.inputValue("#table-rows input"), "ghcr.io/acme/app:v1");
  const rows = [
    ["unsigned", 403, /not signed: it has no cosign signature/],
    ["missing", 403, /the registry does not have (it|this image)|not found|no such image/i],
    ["down", 503, /could not be reached: the connection was refused/],
    ["denied", 503, /credentials/],
    ["limited", 503, /fewer requests|too many requests|rate/i],
  ];
  for (const [state, code, message] of rows) {
    await page.selectOption("#table-rows select", state);
    await run(page);
    assert.equal(await page.textContent("#verdict"), `✕ Denied with code ${code}`);
    assert.match(await page.textContent("#message"), message);
    assert.equal(await page.locator("#unanswered").count(), 0);
  }
  await page.fill("#table-rows input", "ghcr.io/acme/other");
  await run(page);
  assert.match(await page.textContent("#unanswered"), /oci\/v1\/manifest_digest "ghcr.io\/acme\/app:v1".*manifest unknown/);
});

test("nobody else was asked, and nothing went wrong", () => {
  assert.deepEqual(browser.strangers, []);
  assert.deepEqual(browser.faults, []);
});
