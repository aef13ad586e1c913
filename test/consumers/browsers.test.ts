/** The package in pages: through three bundlers, and as plain modules. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser } from "playwright-core";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { which } from "../../scripts/runtimes/machine.mjs";
import { A, B, checkDigests, consumer, HERE, MERGED, project, ROOT, run, TOOLS } from "./project.ts";
import { page, visit } from "./site.ts";

const test = suite("consumers: pages");

const chromium = which("chromium", "chromium-browser", "google-chrome-stable", "google-chrome");
const firefox = which("firefox-esr", "firefox");

let browser: Browser | undefined;
test.after(async () => {
  await browser?.close();
});

/** What the page at `path` of the site `folder` posts, in Chromium: one browser for all tests. */
async function inChromium(folder: string, path = ""): Promise<string> {
  if (browser === undefined) {
    const playwright = await import("playwright-core");
    browser = await playwright.chromium.launch({ executablePath: chromium! });
  }
  const tab = await browser.newPage();
  try {
    return await visit(folder, (url) => tab.goto(url + path));
  } finally {
    await tab.close();
  }
}

const vite = join(TOOLS, "vite/bin/vite.js");
consumer(test, "Vite: production build, in Chromium", { vite, chromium }, async () => {
  const folder = project("vite", ["page.js"], {
    "index.html": page("./page.js"),
    "package.json": '{ "type": "module" }',
  });
  await run(process.execPath, [vite, "build", "--logLevel", "error"], folder);
  assert.is(await inChromium(join(folder, "dist")), MERGED);
});

type Webpack = (options: object, done: (error: Error | null, stats?: Stats) => void) => unknown;
interface Stats {
  hasErrors(): boolean;
  hasWarnings(): boolean;
  toString(options: object): string;
}

const webpack = join(TOOLS, "webpack/lib/index.js");
consumer(test, "webpack: production build, in Chromium", { webpack, chromium }, async () => {
  const folder = project("webpack", ["page.js"], { "package.json": "{}" });
  const { default: build } = (await import(pathToFileURL(webpack).href)) as { default: Webpack };
  const output = { path: join(folder, "out"), filename: "main.js" };
  const stats = await new Promise<Stats>((done, fail) => {
    const options = { mode: "production", context: folder, entry: "./page.js", output, performance: false };
    build(options, (error, result) => (error === null && result !== undefined ? done(result) : fail(error)));
  });
  assert.not(stats.hasErrors() || stats.hasWarnings(), stats.toString({ all: false, errors: true, warnings: true }));
  writeFileSync(join(folder, "out/index.html"), page("./main.js"));
  assert.is(await inChromium(join(folder, "out")), MERGED);
});

const esbuild = join(ROOT, "node_modules/esbuild/bin/esbuild");
for (const format of ["esm", "iife"]) {
  consumer(test, `esbuild: ${format}, minified, in Chromium`, { esbuild, chromium }, async () => {
    const folder = project(`esbuild ${format}`, ["page.js"], { "index.html": page("./out.js") });
    const words = ["page.js", "--bundle", "--minify", `--format=${format}`, "--outfile=out.js", "--log-level=warning"];
    assert.is((await run(esbuild, words, folder)).stderr, "");
    assert.is(await inChromium(folder), MERGED);
  });
}

consumer(test, "esbuild: a bundle for Node", { esbuild }, async () => {
  const folder = project("esbuild node", ["files.cjs"]);
  const words = ["files.cjs", "--bundle", "--platform=node", "--outfile=out.cjs", "--log-level=warning"];
  await run(esbuild, words, folder);
  checkDigests(await run(process.execPath, ["out.cjs", A, B], folder), 2);
});

/** Modules as they are in the package, found by an import map; the site is the whole project. */
const IMPORTS = JSON.stringify({ imports: { rebasin: "/node_modules/rebasin/dist/index.js" } });
const UNBUNDLED = `<script type="importmap">${IMPORTS}</script>\n${page("./page.js")}`;

consumer(test, "unbundled modules, in Chromium", { chromium }, async () => {
  project("unbundled-chromium", ["page.js"], { "index.html": UNBUNDLED });
  assert.is(await inChromium(HERE, "unbundled-chromium/index.html"), MERGED);
});

consumer(test, "unbundled modules, in Firefox", { firefox }, async () => {
  project("unbundled-firefox", ["page.js"], { "index.html": UNBUNDLED });
  const { launch } = await import("puppeteer-core");
  const fox = await launch({ browser: "firefox", executablePath: firefox!, headless: true });
  try {
    const tab = await fox.newPage();
    assert.is(await visit(HERE, (url) => tab.goto(`${url}unbundled-firefox/index.html`)), MERGED);
  } finally {
    await fox.close();
  }
});

test.run();
