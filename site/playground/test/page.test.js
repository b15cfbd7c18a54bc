/**
 * Can everybody use the page? By link, by keyboard, offline, on a phone, in the dark, and with a screen reader.
 */

import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { open, result, run, SITE, visit } from "./browser.js";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const SCREENSHOTS = join(SITE, "screenshots");
/** @type {Awaited<ReturnType<typeof open>>} */
let browser;
before(async () => {
  await mkdir(SCREENSHOTS, { recursive: true });
  browser = await open({ permissions: ["clipboard-read", "clipboard-write"] });
  await visit(browser.page, browser.url);
});
after(() => browser?.close());

test("a link carries all inputs", async () => {
  const { page, context } = browser;
  const inputs = { settings: "policy: [] # ü\n", request: "kind: Pod\n", session: "[]\n" };
  for (const [id, text] of Object.entries(inputs)) await page.fill(`#${id}`, text);
  await page.selectOption("#answers", "table");
  await page.click("#table-add");
  await page.fill("#table-rows input", "ghcr.io/acme/app:v1");
  await page.selectOption("#table-rows select", "limited");
  await page.check("#owners");
  await page.click("#share");
  await page.waitForFunction(() => location.hash.startsWith("#v1:"));
  const link = page.url();
  await page.waitForFunction(() => /The link is in/.test(document.getElementById("status")?.textContent ?? ""));
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), link);

  const other = await context.newPage();
  await visit(other, link);
  for (const [id, text] of Object.entries(inputs)) assert.equal(await other.inputValue(`#${id}`), text);
  assert.equal(await other.inputValue("#answers"), "table");
  assert.deepEqual(await other.locator("#table-rows input, #table-rows select").evaluateAll((all) => all.map((one) => one.value)), ["ghcr.io/acme/app:v1", "limited", ""]);
  assert.ok(await other.isChecked("#owners"));
  await other.close();
});

test("a link that cannot be read is told", async () => {
  const { page } = browser;
  for (const bad of ["#v1:%%%", "#v1:AAAA", "#v1:q1YqSS0uUbJSUkpUqgUA"]) {
    await page.goto("about:blank");
    await visit(page, `${browser.url}${bad}`);
    assert.match(await page.textContent("#status"), /the link cannot be read: .*The page shows an example instead/);
    assert.match(await page.textContent("#verdict"), /Admitted/);
  }
});

test("the whole page works by keyboard", async () => {
  const { page } = browser;
  await visit(page, browser.base + "/playground/?keyboard");
  const press = (...keys) => keys.reduce((before, key) => before.then(() => page.keyboard.press(key)), Promise.resolve());
  const focused = () => page.evaluate(() => document.activeElement?.id);
  const tabTo = async (id) => {
    for (let step = 0; step < 40 && (await focused()) !== id; step += 1) await press("Tab");
    assert.equal(await focused(), id);
  };
  await tabTo("example");
  await press("ArrowDown");
  await page.waitForSelector("#verdict.denied");
  await tabTo("settings");
  await page.keyboard.press("ControlOrMeta+A");
  await page.keyboard.type("validators:\n- name: a\n  ty");
  await press("Control+Space");
  assert.equal(await page.textContent("#settings-suggestions [aria-selected=true] code"), "type");
  await page.screenshot({ path: join(SCREENSHOTS, "suggestions.png") });
  await press("Enter");
  assert.match(await page.inputValue("#settings"), /  type: $/);
  await press("Control+Space", "ArrowDown", "ArrowUp", "ArrowDown");
  const word = await page.textContent("#settings-suggestions [aria-selected=true] code");
  await press("Enter");
  assert.ok((await page.inputValue("#settings")).endsWith(`  type: ${word}`));
  await press("Control+Space", "Escape");
  assert.ok(await page.isHidden("#settings-suggestions"));
  await press("Control+Space", "Tab");
  assert.equal(await focused(), "settings-suggestions");
  await press("ArrowDown", "Escape");
  assert.equal(await focused(), "settings");
  await page.evaluate(() => document.getElementById("result")?.replaceChildren());
  await press("Control+Enter");
  await page.waitForSelector("#verdict.failed");
  await tabTo("request");
  await page.keyboard.press("ControlOrMeta+A");
  await page.keyboard.type("kind: Po");
  await press("Control+Space", "Enter");
  assert.equal(await page.inputValue("#request"), "kind: Pod");
  await tabTo("answers");
  await tabTo("session");
  await tabTo("owners");
  await press("Space");
  assert.ok(await page.isChecked("#owners"));
});

test("the page works without a network", async () => {
  const { page, context } = browser;
  await visit(page, browser.url);
  await page.evaluate(() => navigator.serviceWorker.ready);
  await context.setOffline(true);
  await page.selectOption("#example", "two-of-three-are-enough");
  await page.waitForSelector("#verdict.admitted");
  await page.reload();
  await page.waitForSelector("html[data-ready=true]");
  await run(page);
  assert.equal(await page.textContent("#verdict"), "✓ Admitted");
  await context.setOffline(false);
});

test("completion knows where the cursor stands", async () => {
  const { page } = browser;
  // the text before the cursor, and what is suggested among other things: of settings, and of a request
  const settings = [
    ["", ["features", "policy", "validators"]],
    ["features:\n  det", ["detectionMode"]],
    ["features:\n  detectionMode: ", ["true", "false"]],
    ["policy:\n  - pattern: a\n    with:\n      thr", ["threshold"]],
    ["validators:\n- name: a\n  trustRoots:\n  - name: b\n    key: |\n      policy:\n    keyl", ["keyless"]],
    ["validators:\n- name: a\n  trustRoots:\n  - key: |\n      A\n    na", ["name"]],
    ["validators:\n- name: a\n  trustRoots:\n  - key: |\n      A\n      ", []],
    ["policy: [{pat", ["pattern"]],
    ["validators:\n  - {name: a, type: sta", ["static"]],
    ["kind: ClusterAdmissionPolicy\nspec:\n  settings:\n    vali", ["validators"]],
    ["nonsense:\n  x", []],
  ];
  const requests = [
    ["", ["apiVersion", "kind", "uid", "request"]],
    ["kind: Cr", ["CronJob"]],
    ["spec:\n  containers:\n  - name: a\n    im", ["image"]],
    ["spec:\n  jobTemplate:\n    spec:\n      template:\n        spec:\n          initC", ["initContainers"]],
    ["object:\n  spec:\n    volumes:\n    - image:\n        ", ["reference"]],
    ["request:\n  operation: ", ["CREATE", "UPDATE"]],
    ["spec:\n  nonsense:\n    x", []],
  ];
  for (const [text, expected, isRequest] of [...settings, ...requests.map((row) => [...row, true])]) {
    const found = await page.evaluate(async ([text, isRequest]) => {
      const at = (file) => new URL(file, location.href).href;
      const { suggest } = await import(at("js/completion.js"));
      const schema = isRequest ? (await import(at("js/request-schema.js"))).REQUEST : await (await fetch("settings.schema.json")).json();
      return suggest(text, text.length, schema).suggestions.map(({ label }) => label);
    }, [text, isRequest]);
    for (const label of expected) assert.ok(found.includes(label), `${JSON.stringify(text)}: ${found}`);
    if (expected.length === 0) assert.deepEqual(found, []);
  }
});

const LOOKS = [
  { name: "light", colorScheme: "light", viewport: { width: 1280, height: 900 } },
  { name: "dark", colorScheme: "dark", viewport: { width: 1280, height: 900 } },
  { name: "phone", colorScheme: "light", viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true },
  { name: "phone-dark", colorScheme: "dark", viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true },
];
for (const { name, ...look } of LOOKS) {
  test(`axe finds no serious fault: ${name}`, async () => {
    const { page, url, close, strangers, faults } = await open(look);
    try {
      await visit(page, url);
      const states = {
        admitted: async () => {},
        denied: async () => {
          await page.selectOption("#example", "alice-signing-twice-is-one-signer");
          await page.waitForSelector("#verdict.denied");
          await page.evaluate(() => document.querySelectorAll("details").forEach((one) => (one.open = true)));
        },
        wrong: async () => {
          await page.fill("#settings", "validators: []\nfeature: {}\n");
          await page.selectOption("#answers", "table");
          await page.click("#table-add");
          await page.focus("#settings");
          await page.keyboard.press("ControlOrMeta+Home");
          await run(page);
          await page.focus("#settings");
          await page.keyboard.press("Control+Space");
          await page.waitForSelector("#settings-problems li");
        },
      };
      for (const [state, reach] of Object.entries(states)) {
        await reach();
        await result(page);
        await page.screenshot({ path: join(SCREENSHOTS, `${name}-${state}.png`), fullPage: true });
        // Playwright's evaluate is not bound by the page's policy for scripts.
        await page.evaluate(axe);
        const { violations } = await page.evaluate(() => globalThis.axe.run(document));
        const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
        const told = serious.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join("; ")}`);
        assert.deepEqual(told, [], `${name}, ${state}`);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        assert.ok(wide <= 0, `${name}, ${state}: the page is ${wide} px too wide`);
      }
      assert.deepEqual([strangers, faults], [[], []]);
    } finally {
      await close();
    }
  });
}

test("nobody else was asked, and nothing went wrong", () => {
  assert.deepEqual(browser.strangers, []);
  assert.deepEqual(browser.faults, []);
});
