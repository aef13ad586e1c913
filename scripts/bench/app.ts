/** `bench app`: two models dropped, aligned and merged in the browser app, as a user waits for it. */

import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRng, randomPermutation } from "../../src/base/rng.ts";
import { detectSpec } from "../../src/families/detect-spec.ts";
import { initialiseModel } from "../../src/families/initialise.ts";
import { encodeSafetensors } from "../../src/formats/safetensors/write-safetensors.ts";
import { saveModel } from "../../src/node/save-model.ts";
import { applyPermutations } from "../../src/perm/apply-permutations.ts";
import { rebasin } from "../../src/plan/rebasin.ts";
import { type BenchBrowser, type BenchPage, type LongestTasks, startBrowser } from "./app-page.ts";
import { FIXTURE_PAIR } from "./match-pairs.ts";
import type { BenchOptions, PairFiles } from "./options.ts";
import { bestAndMedian, digits, type Outcome, table } from "./results.ts";

/** 24.9 million numbers, 99.7 MB: many matrices of middling size, so that cost matrices take as much as they can. */
const LARGE_WIDTHS = [784, ...Array.from({ length: 24 }, () => 1024), 10];
const PATIENCE_MS = 600_000;
const SAMPLE_MS = 20;

interface Round {
  /** Seconds from the choice of the second file until the pair can be aligned; of aligning; of merging and saving. */
  readonly choosing: number;
  readonly aligning: number;
  readonly merging: number;
  readonly longest: LongestTasks;
}

export async function benchApp(options: BenchOptions): Promise<Outcome> {
  const browser = await startBrowser();
  const folder = mkdtempSync(join(tmpdir(), "rebasin-bench-app-"));
  const faults: string[] = [];
  try {
    const pairs = options.pairs.length > 0 ? options.pairs : [FIXTURE_PAIR];
    const rows: string[][] = [];
    for (const pair of pairs) rows.push(await timePair(browser, pair, folder, options, faults));
    const parts = [
      `${browser.version}; every round in a fresh page. From the choice of the second file to the merged file on disk, the driver's own time included; the longest task of the page's main thread in all rounds, while it loads and from then on, charts included: ms of processor time, and in brackets as it passed, which counts what else the machine does.`,
      table(
        ["pair", "rounds", "seconds", "of it: choose", "align", "merge and save", "longest task, loading", "working"],
        rows,
      ),
    ];
    if (options.pace !== "quick") parts.push(await measureMemory(browser, folder, options.seed));
    return { body: parts.join("\n\n"), faults };
  } finally {
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function timePair(
  browser: BenchBrowser,
  pair: PairFiles,
  folder: string,
  { pace }: BenchOptions,
  faults: string[],
): Promise<string[]> {
  const expected = await mergedByLibrary(pair);
  const saved = join(folder, "merged.safetensors");
  const rounds: Round[] = [];
  for (let round = 0; round < (pace === "quick" ? 2 : 5); round++) {
    const bench = await browser.open();
    rounds.push(await runRound(bench, pair, saved));
    await bench.close();
    if (!readFileSync(saved).equals(expected)) faults.push(`${pair.name}: the app's merge is not the library's`);
  }
  const show = (of: (round: Round) => number): string => bestAndMedian(rounds.map(of));
  const longest = (when: keyof LongestTasks): string => {
    const most = (of: "processor" | "passed"): number => Math.max(...rounds.map((round) => round.longest[when][of]));
    return `${digits(most("processor"))} (${digits(most("passed"))})`;
  };
  return [
    pair.name,
    String(rounds.length),
    show(({ choosing, aligning, merging }) => choosing + aligning + merging),
    show(({ choosing }) => choosing),
    show(({ aligning }) => aligning),
    show(({ merging }) => merging),
    longest("loading"),
    longest("working"),
  ];
}

async function mergedByLibrary({ a, b }: PairFiles): Promise<Uint8Array> {
  const { model } = await rebasin(readFileSync(a), readFileSync(b));
  return encodeSafetensors(model);
}

async function runRound({ page, longestTasks }: BenchPage, { a, b }: PairFiles, saved: string): Promise<Round> {
  page.setDefaultTimeout(PATIENCE_MS);
  await page.setInputFiles("#file-a", a);
  await page.waitForFunction(`/numbers in/.test(document.querySelector("#name-a").textContent)`);
  const started = performance.now();
  await page.setInputFiles("#file-b", b);
  await page.waitForSelector("#align [data-start]:enabled");
  const chosen = performance.now();
  await page.click("#align [data-start]");
  await page.waitForSelector("#save-merged:enabled");
  const aligned = performance.now();
  const [download] = await Promise.all([page.waitForEvent("download"), page.click("#save-merged")]);
  await download.saveAs(saved);
  const merged = performance.now();
  // The charts come last, and count.
  await page.waitForSelector("#objective-chart svg");
  await page.waitForTimeout(1000);
  return {
    choosing: (chosen - started) / 1000,
    aligning: (aligned - chosen) / 1000,
    merging: (merged - aligned) / 1000,
    longest: await longestTasks(),
  };
}

/** A model of 100 MB and its renumbered copy. */
async function makeLargePair(folder: string, seed: number): Promise<PairFiles> {
  const model = initialiseModel({ family: "mlp", widths: LARGE_WIDTHS }, seed);
  const rng = createRng(seed);
  const permutations = new Map(
    LARGE_WIDTHS.slice(1, -1).map((width, i) => [`P${i}`, randomPermutation(width, rng)] as const),
  );
  const [a, b] = ["large-a", "large-b"].map((name) => join(folder, `${name}.safetensors`)) as [string, string];
  await saveModel(model, a);
  await saveModel(await applyPermutations(model, await detectSpec(model), permutations), b);
  return { name: "large", spec: "auto", a, b };
}

/** How much the process of the page grows by aligning and merging a large pair, at its highest. */
async function measureMemory(browser: BenchBrowser, folder: string, seed: number): Promise<string> {
  const pair = await makeLargePair(folder, seed);
  const bytes = statSync(pair.a).size + statSync(pair.b).size;
  const bench = await browser.open();
  const before = bench.residentBytes();
  if (before === null) return "Memory: not measured, this system does not tell.";
  let most = before;
  const timer = setInterval(() => {
    most = Math.max(most, bench.residentBytes() ?? 0);
  }, SAMPLE_MS);
  const round = await runRound(bench, pair, join(folder, "large.safetensors"));
  clearInterval(timer);
  const said = (await bench.page.textContent("#align [data-status]")) ?? "";
  await bench.close();
  const megabytes = (value: number): string => `${digits(value / 1e6)} MB`;
  return [
    `Memory: a perceptron of ${megabytes(bytes / 2)} and its renumbered copy, aligned in ${digits(round.aligning)} s and merged in ${digits(round.merging)} s.`,
    `The process of the page and its workers grew from ${megabytes(before)} by ${megabytes(most - before)} at its highest (resident, sampled every ${SAMPLE_MS} ms): ${digits((most - before) / bytes)} times the two files, code and garbage included.`,
    `The page says: ${said}`,
    `Longest task of the main thread ${digits(round.longest.working.processor)} ms of processor time.`,
  ].join(" ");
}
