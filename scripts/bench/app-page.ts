/** The app of dist/app in Chromium, for benchmarks: its page, its longest tasks, and the memory of its process. */

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { ROOT } from "./machine.ts";
import { UsageError } from "./options.ts";

export interface LongestTask {
  readonly passed: number;
  readonly processor: number;
}

/** The longest tasks of a page's main thread, in ms: as they passed, and of processor time, which is what they take on a machine with nothing else to do. */
export interface LongestTasks {
  /** While the page loads: mostly Chromium's own first layout, with fonts to find and processes to start. */
  readonly loading: LongestTask;
  /** From then on. */
  readonly working: LongestTask;
}

export interface BenchPage {
  readonly page: Page;
  /** Ends the recording. */
  longestTasks(): Promise<LongestTasks>;
  /** Resident bytes of the process that runs the page and all its workers. Linux only, else null. */
  residentBytes(): number | null;
  close(): Promise<void>;
}

export interface BenchBrowser {
  readonly version: string;
  /** A fresh page, loaded and idle. */
  open(): Promise<BenchPage>;
  close(): Promise<void>;
}

/** Throws `UsageError` without Chromium or without a build. */
export async function startBrowser(): Promise<BenchBrowser> {
  const { chromium } = await import("playwright-core");
  // Not bundled: what serves the app is a program, too.
  const { serveApp } = await import(pathToFileURL(`${ROOT}/scripts/app.mjs`).href);
  const browser: Browser = await chromium.launch({ executablePath: findChromium() });
  const server: { url: string; close(): Promise<void> } = await serveApp();
  const session = await browser.newBrowserCDPSession();
  return {
    version: `Chromium ${browser.version()}`,
    async open() {
      const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, acceptDownloads: true });
      const page = await context.newPage();
      await browser.startTracing(page, { categories: ["toplevel", "blink.user_timing"] });
      await page.goto(server.url);
      await page.waitForTimeout(500);
      await page.evaluate(`performance.mark("${MARK}")`);
      const { processInfo } = await session.send("SystemInfo.getProcessInfo");
      const renderers = processInfo.filter(({ type }) => type === "renderer").map(({ id }) => id);
      return {
        page,
        longestTasks: async () => longestOf(JSON.parse((await browser.stopTracing()).toString())),
        residentBytes: () => sumResident(renderers),
        close: () => context.close(),
      };
    },
    async close() {
      await browser.close();
      await server.close();
    },
  };
}

/** The parts of Chromium's trace used here: times in µs, `tdur` on the processor. */
interface Trace {
  readonly traceEvents: readonly {
    readonly name: string;
    readonly ph: string;
    readonly pid: number;
    readonly tid: number;
    readonly ts: number;
    readonly dur?: number;
    readonly tdur?: number;
  }[];
}

/** Stands where the page is loaded and idle, and tells its process from those of Chromium's own pages. */
const MARK = "rebasin bench";

function longestOf({ traceEvents }: Trace): LongestTasks {
  const marked = traceEvents.find(({ name }) => name === MARK);
  const tasks = traceEvents.filter(
    ({ name, ph, pid, tid }) => ph === "X" && name.endsWith("RunTask") && pid === marked?.pid && tid === marked.tid,
  );
  if (tasks.length === 0) throw new Error("trace holds no task of a page, expected some: Chromium has renamed them");
  const longest = (some: typeof tasks): LongestTask => ({
    passed: some.reduce((most, { dur }) => Math.max(most, (dur ?? 0) / 1000), 0),
    processor: some.reduce((most, { tdur }) => Math.max(most, (tdur ?? 0) / 1000), 0),
  });
  const isBefore = ({ ts }: { readonly ts: number }): boolean => ts < marked!.ts;
  return { loading: longest(tasks.filter(isBefore)), working: longest(tasks.filter((task) => !isBefore(task))) };
}

export function findChromium(): string {
  for (const name of ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"]) {
    try {
      return execFileSync("which", [name], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
    } catch {
      // The next one may be there.
    }
  }
  throw new UsageError("chromium not found, expected it on PATH");
}

function sumResident(processes: readonly number[]): number | null {
  let sum = 0;
  for (const id of processes) {
    try {
      const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${id}/status`, "utf8"))?.[1];
      sum += 1024 * Number(kilobytes ?? Number.NaN);
    } catch {
      // It has ended, or this system has no /proc.
    }
  }
  return sum > 0 ? sum : null;
}
