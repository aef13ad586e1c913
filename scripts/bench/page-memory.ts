/**
 * `npm run bench -- page-memory`, after a build: a pair of 2 × 498 MB, aligned and merged in the browser app, and what the tab
 * grows by meanwhile. The merge must be the command line's, byte for byte.
 */

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Page } from "playwright-core";
import { findChromium } from "./app-page.ts";
import { ROOT } from "./machine.ts";
import type { BenchOptions, PairFiles } from "./options.ts";
import { type Outcome, table } from "./results.ts";

const PATIENCE_MS = 1_800_000;
const SAMPLE_MS = 100;

/** Proportional set sizes in bytes: pages that several processes share count once in the sum of all. */
interface Memory {
  /** Of the processes that run pages and their workers. */
  readonly tab: number;
  /** Of all processes of the browser: what the tab gives it to keep counts, too. */
  readonly browser: number;
}

interface Stage extends Memory {
  readonly name: string;
  readonly seconds: number;
  readonly said: string;
}

export async function benchPageMemory(options: BenchOptions): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), "rebasin-bench-page-"));
  try {
    const pair = options.pairs[0] ?? makePair(folder);
    const saved = join(folder, "saved.safetensors");
    const { idle, stages, version, left } = await drive(pair, folder, saved);
    const expected = mergeByCommandLine(pair, folder);
    const same = (await digest(saved)) === (await digest(expected));
    const faults = same ? [] : ["the page's merge is not the command line's"];
    if (left.length > 0) faults.push(`left in origin-private files: ${left.join(", ")}`);
    return { body: describe(pair, idle, stages, version), faults };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function makePair(folder: string): PairFiles {
  const words = [join(ROOT, "scripts/run.mjs"), join(ROOT, "scripts/bench/large-pair.ts"), "gpt2-f32", folder];
  execFileSync(process.execPath, words, { cwd: ROOT, stdio: "inherit" });
  const [a, b] = ["a", "b"].map((name) => join(folder, name, "model.safetensors")) as [string, string];
  return { name: "GPT-2 small, f32", spec: join(folder, "spec.json"), a, b };
}

function mergeByCommandLine({ spec, a, b }: PairFiles, folder: string): string {
  const file = join(folder, "expected.safetensors");
  const words = [join(ROOT, "dist/cli.js"), "merge", a, b, "-o", file, ...(spec === "auto" ? [] : ["--spec", spec])];
  execFileSync(process.execPath, words, { stdio: "ignore" });
  return file;
}

async function digest(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return hash.digest("hex");
}

/** Merges the pair in a browser with a profile on the disk: private windows keep origin-private files in memory. */
async function drive(pair: PairFiles, folder: string, saved: string) {
  const { chromium } = await import("playwright-core");
  const { serveApp } = await import(pathToFileURL(`${ROOT}/scripts/app.mjs`).href);
  const server: { url: string; close(): Promise<void> } = await serveApp();
  const profile = join(folder, "profile");
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: findChromium(),
    viewport: { width: 1280, height: 900 },
    acceptDownloads: true,
  });
  try {
    const page = context.pages()[0] ?? (await context.newPage());
    page.setDefaultTimeout(PATIENCE_MS);
    // Nobody is there to choose a file.
    await page.addInitScript(`Object.defineProperty(window, "showSaveFilePicker", { value: undefined })`);
    await page.goto(server.url);
    await page.waitForTimeout(2000);
    const version = await page.evaluate<string>(`navigator.userAgent.match(/Chrome\\/[\\d.]+/)[0]`);
    const idle = memoryOf(profile);
    const stages = await runStages(page, pair, saved, profile);
    await page.reload();
    await page.waitForTimeout(2000);
    const left = await page.evaluate<string[]>(
      `(async () => { const names = []; for await (const name of (await navigator.storage.getDirectory()).keys()) names.push(name); return names; })()`,
    );
    return { idle, stages, version, left };
  } finally {
    await context.close();
    await server.close();
  }
}

async function runStages(page: Page, pair: PairFiles, saved: string, profile: string): Promise<Stage[]> {
  const status = (section: string): Promise<string> => page.textContent(`#${section} [data-status]`).then(String);
  const stage = async (name: string, work: () => Promise<string>): Promise<Stage> => {
    let most: Memory = memoryOf(profile);
    const timer = setInterval(() => {
      const now = memoryOf(profile);
      most = { tab: Math.max(most.tab, now.tab), browser: Math.max(most.browser, now.browser) };
    }, SAMPLE_MS);
    const started = performance.now();
    const said = await work().finally(() => clearInterval(timer));
    const found = { name, ...most, seconds: (performance.now() - started) / 1000, said };
    console.log(`${name}: ${found.seconds.toFixed(1)} s, tab at most ${megabytes(most.tab)}. ${said}`);
    return found;
  };
  return [
    await stage("choose", async () => {
      if (pair.spec !== "auto") {
        await page.selectOption("#spec", "file");
        await page.setInputFiles("#spec-file", pair.spec);
      }
      await page.setInputFiles("#file-a", pair.a);
      await page.setInputFiles("#file-b", pair.b);
      await page.waitForSelector("#align [data-start]:enabled");
      return status("align");
    }),
    await stage("align", async () => {
      await page.click("#align [data-start]");
      await page.waitForSelector("#save-merged:enabled, #align .status.wrong");
      return status("align");
    }),
    await stage("cost matrix shown", async () => {
      await page.waitForSelector("#cost-chart svg");
      return status("units");
    }),
    await stage("merge and save", async () => {
      const refused = page.waitForSelector("#download .status.wrong").then(() => null);
      const [download] = await Promise.all([
        Promise.race([page.waitForEvent("download"), refused]),
        page.click("#save-merged"),
      ]);
      if (download === null) throw new Error(await status("download"));
      await download.saveAs(saved);
      await page.waitForTimeout(1000);
      return status("download");
    }),
  ];
}

/** Of the browser with this profile. */
function memoryOf(profile: string): Memory {
  const processes = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(readProcess)
    .filter((each) => each !== null);
  const root = processes.find(({ words }) => words.includes(`--user-data-dir=${profile}`) && !/--type=/.test(words));
  let [tab, browser] = [0, 0];
  const queue = root === undefined ? [] : [root];
  for (const each of queue) {
    const bytes = proportionalBytes(each.id);
    browser += bytes;
    if (each.words.includes("--type=renderer")) tab += bytes;
    queue.push(...processes.filter(({ parent }) => parent === each.id));
  }
  return { tab, browser };
}

function readProcess(id: string): { id: string; parent: string; words: string } | null {
  try {
    const parent = /^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${id}/status`, "utf8"))?.[1] ?? "";
    return { id, parent, words: readFileSync(`/proc/${id}/cmdline`, "utf8") };
  } catch {
    // It has ended.
    return null;
  }
}

function proportionalBytes(id: string): number {
  try {
    return 1024 * Number(/^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${id}/smaps_rollup`, "utf8"))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;

function describe(pair: PairFiles, idle: Memory, stages: readonly Stage[], version: string): string {
  const bytes = statSync(pair.a).size + statSync(pair.b).size;
  const most = Math.max(...stages.map(({ tab }) => tab)) - idle.tab;
  const rows = stages.map(({ name, tab, browser, seconds, said }) => [
    name,
    megabytes(tab - idle.tab),
    megabytes(browser - idle.browser),
    seconds.toFixed(1),
    said,
  ]);
  return [
    `${version}, profile on the disk. ${pair.name}, 2 × ${megabytes(bytes / 2)}. Growth at its highest over the idle page (tab ${megabytes(idle.tab)}, all processes ${megabytes(idle.browser)}; proportional set size, sampled every ${SAMPLE_MS} ms). The merge is the command line's, byte for byte.`,
    table(["stage", "tab", "all processes", "seconds", "the page says"], rows),
    `The tab grew by ${megabytes(most)} at most.`,
  ].join("\n\n");
}
