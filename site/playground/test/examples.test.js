/**
 * Does the page say what `image-trust run` says? Every example, byte for byte.
 */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { open, result, SITE, visit } from "./browser.js";

const { examples } = JSON.parse(await readFile(join(SITE, "playground/examples.json"), "utf8"));
/** @type {Awaited<ReturnType<typeof open>>} */
let browser;
let folder = "";

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "examples-"));
  browser = await open();
  await visit(browser.page, browser.url);
});
after(async () => {
  await browser?.close();
  await rm(folder, { recursive: true, force: true });
});

/** What the command prints for these inputs. */
async function printed({ settings, request, session }) {
  const files = { s: "settings.yaml", r: "request.yaml", h: "session.yaml" };
  await writeFile(join(folder, files.s), settings);
  await writeFile(join(folder, files.r), request);
  await writeFile(join(folder, files.h), session);
  const args = ["run", join(SITE, "playground/policy.wasm"), "-r", files.r, "-s", files.s, "--replay-host-capabilities-interactions", files.h];
  const { stdout } = await promisify(execFile)(process.env.IMAGE_TRUST, args, { cwd: folder, maxBuffer: 1 << 26 });
  return stdout;
}

/** Replaces the text of an editor. */
const fill = (id, text) => browser.page.fill(`#${id}`, text);

/** The response on the page. */
async function shown() {
  await browser.page.waitForFunction(() => document.getElementById("status")?.textContent !== "The policy runs …");
  await result(browser.page);
  return browser.page.textContent("#raw");
}

for (const example of examples) {
  test(`example: ${example.name}`, async () => {
    await browser.page.selectOption("#example", example.name);
    assert.equal(`${await shown()}\n`, await printed(example));
    assert.equal((await browser.page.textContent("#verdict")).slice(2), example.verdict);
    assert.equal(await browser.page.locator("#unanswered, #leftovers").count(), 0, "every answer is asked for, and every question answered");
    for (const id of ["settings", "request", "session"]) {
      assert.equal(await browser.page.textContent(`#${id}-problems`), "", `nothing is wrong with the ${id}`);
    }
  });
}

test("what an operator changes", async () => {
  const [signed] = examples;
  const object = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "wéb\u{1f600}", namespace: "shop", "\u{1f600}": 12345678901 },
    spec: { template: { spec: { containers: [{ name: "a", image: "ghcr.io/acme/app:v1" }, { name: "b", image: "quay.io/x/y:1" }] } } },
  };
  const changed = [
    { ...signed, request: JSON.stringify(object) },
    { ...signed, request: signed.request.replace(/^uid: .*$/m, 'uid: "\\u00e9\\u007f\\U0001F600\\n"') },
    { ...signed, session: "" },
    { ...signed, session: signed.session.replace("acme/app:v1", "acme/other:v1") },
    { ...signed, settings: signed.settings.replace("ghcr.io/acme/*", "quay.io/*") },
    { ...signed, request: signed.request.replace("operation: CREATE", "operation: DELETE").replace(/^object:[^]*?(?=^[a-z])/m, "") },
  ];
  for (const inputs of changed) {
    await fill("settings", inputs.settings);
    await fill("request", inputs.request);
    await fill("session", inputs.session);
    await browser.page.evaluate(() => document.getElementById("result")?.replaceChildren());
    await browser.page.click("#run");
    assert.equal(`${await shown()}\n`, await printed(inputs));
  }
});

test("the rules are those that image-trust explain finds", async () => {
  const read = (file) => readFile(join(SITE, "../../examples", file), "utf8");
  const pattern = (text) => `\n  - {pattern: "${text}", validator: allow}`;
  // Beside the rules of the example: a tag, the beginning of a name, a short name, and a beginning of tags.
  const long = `registry.example.com/${"team-with-a-long-name/".repeat(9)}app`;
  const settings = (await read("first-settings.yaml")) + [`${long}:*`, "ghcr.io/acme/app:v1", "ghcr.io/acme/ap", "nginx", "docker.io/library/*:1.*", "*/team-with-a-long-name/*"].map(pattern).join("");
  await fill("settings", settings);
  // A rule that allows by name and tag does not match a digest.
  const digest = `@sha256:${"1".repeat(64)}`;
  await fill("request", (await read("request-pod.json")).replace(/"ghcr.io\/acme\/app:v1"/, `"ghcr.io/acme/app:v1${digest}"`).replace("nginx:1.27", `${long}:v1`));
  await fill("session", "");
  await browser.page.evaluate(() => document.getElementById("result")?.replaceChildren());
  await browser.page.click("#run");
  await shown();
  const tables = await browser.page.locator("#rules table").evaluateAll((all) =>
    all.map((table) => [table.caption.textContent, [...table.tBodies[0].rows].map((row) => row.cells[3].textContent)]),
  );
  assert.equal(tables.length, 4);
  await writeFile(join(folder, "rules.yaml"), settings);
  await writeFile(join(folder, "nothing.yaml"), "[]");
  for (const [image, fits] of tables) {
    // A denial has another exit code.
    const { stdout } = await promisify(execFile)(process.env.IMAGE_TRUST, ["explain", image, "-s", "rules.yaml", "-o", "json", "--policy", join(SITE, "playground/policy.wasm"), "--replay-host-capabilities-interactions", "nothing.yaml"], { cwd: folder }).catch((error) => error);
    const told = { wins: "decides", "less-specific": "matches, another decides" };
    assert.deepEqual(fits, JSON.parse(stdout).rules.map(({ standing }) => told[standing] ?? "does not match"), image);
    assert.equal(fits.filter((fit) => fit === "decides").length, 1, image);
  }
});

test("nobody else was asked, and nothing went wrong", () => {
  assert.deepEqual(browser.strangers, []);
  assert.deepEqual(browser.faults, []);
});
