/**
 * How do the tests see the page? The built site on a port of loopback, and Chromium with a folder of its own.
 */

import { readFile, stat } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { chromium } from "playwright-core";

/** The built site. */
export const SITE = new URL("../../../target/site/", import.meta.url).pathname;

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css",
  ".js": "text/javascript",
  ".json": "application/json",
  ".wasm": "application/wasm",
};

/** Serves the site on loopback. `files` replaces some of its files. */
async function serve(files = {}) {
  const server = createServer(async (request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url, "http://site").pathname));
    try {
      const file = join(SITE, path);
      const whole = (await stat(file)).isDirectory() ? join(file, "index.html") : file;
      const body = files[path] ?? (await readFile(whole));
      response.writeHead(200, { "content-type": TYPES[extname(whole)] ?? "application/octet-stream" }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

/** A browser and a server that both end with `close`. */
export async function open({ files, ...options } = {}) {
  const server = await serve(files);
  const base = `http://127.0.0.1:${server.address().port}`;
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  const context = await browser.newContext({ reducedMotion: "reduce", ...options });
  /** @type {string[]} */
  const strangers = [];
  context.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(`${base}/`) && !/^(data|blob):/.test(url)) strangers.push(url);
  });
  const page = await context.newPage();
  /** @type {string[]} */
  const faults = [];
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
  const close = async () => {
    await browser.close();
    server.closeAllConnections();
    server.close();
  };
  return { base, url: `${base}/playground/`, browser, context, page, strangers, faults, close };
}

/** Opens the playground and waits until it has shown a result. */
export async function visit(page, url) {
  await page.goto(url);
  await page.waitForSelector("html[data-ready=true]", { timeout: 30_000 });
}

/** Runs the policy, and waits for the result. */
export async function run(page) {
  await page.evaluate(() => document.getElementById("result")?.replaceChildren());
  await page.click("#run");
  await result(page);
}

/** Waits until there is a result. */
export async function result(page) {
  await page.waitForSelector("#verdict", { timeout: 30_000 });
  await page.waitForFunction(() => !document.getElementById("result")?.hasAttribute("aria-busy"));
  return page.textContent("#verdict");
}
