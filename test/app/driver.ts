/**
 * One page of the app in a real browser: Chromium by Playwright, Firefox by Puppeteer, as scripts/test.mjs says. Only what
 * the suites need, the same for both.
 */

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

declare const __ROOT__: string;

export interface PageOptions {
  readonly width?: number;
  readonly dark?: boolean;
  /** Runs in the page before its own scripts. */
  readonly before?: string;
}

export interface DroppedFile {
  readonly name: string;
  readonly text?: string;
}

export interface AppPage {
  readonly name: "chromium" | "firefox";
  /** Methods and paths of all requests that the server has seen from it. */
  readonly requests: readonly string[];
  /** Evaluates an expression in the page; a promise is waited for. The result must be plain. */
  evaluate<T>(expression: string): Promise<T>;
  /** The same in every worker; only where the driver reaches them, else null. */
  evaluateInWorkers<T>(expression: string): Promise<T[] | null>;
  /** Goes to an empty page and back. */
  leaveAndReturn(): Promise<void>;
  click(selector: string): Promise<void>;
  press(key: string): Promise<void>;
  select(selector: string, value: string): Promise<void>;
  setFile(selector: string, path: string | readonly string[]): Promise<void>;
  /** Drops files that lie beside the page, or are made of text, as a user drops them from a folder. */
  drop(selector: string, files: readonly DroppedFile[]): Promise<void>;
  /** The text of an element. */
  text(selector: string): Promise<string>;
  /** Clicks, and gives the file that the browser has saved under that name. */
  download(selector: string, name: string): Promise<Buffer>;
  /** Until an expression is true; the page's own words are in the error when it never is. */
  waitFor(expression: string): Promise<void>;
  /** Errors that nobody caught, in the page. */
  readonly errors: readonly string[];
  close(): Promise<void>;
}

/** The browser that this run is for. */
export const BROWSER = process.env.REBASIN_BROWSER as "chromium" | "firefox";
const PATH = process.env.REBASIN_BROWSER_PATH!;

const PATIENCE_MS = 90_000;

/** What both drivers offer once they are started. */
interface Driven {
  evaluate<T>(expression: string): Promise<T>;
  evaluateInWorkers<T>(expression: string): Promise<T[] | null>;
  goto(url: string): Promise<void>;
  leaveAndReturn(): Promise<void>;
  click(selector: string): Promise<void>;
  press(key: string): Promise<void>;
  setFile(selector: string, path: string | readonly string[]): Promise<void>;
  /** Runs `start`, and gives the bytes of the download that follows. */
  download(start: () => Promise<void>, name: string): Promise<Buffer>;
  close(): Promise<void>;
}

/** The app of dist/app in a fresh browser. Close it. */
export async function openApp(options: PageOptions = {}): Promise<AppPage> {
  // At run time, since what serves the app is a script and no part of the suites.
  const { serveApp } = await import(`${__ROOT__}/scripts/app.mjs`);
  const requests: string[] = [];
  const errors: string[] = [];
  const folder = mkdtempSync(join(tmpdir(), "rebasin-app-"));
  const server = await serveApp({ onRequest: (method: string, url: string) => requests.push(`${method} ${url}`) });
  const start = BROWSER === "chromium" ? startChromium : startFirefox;
  const page = await start({ width: 1280, dark: false, before: "", ...options }, folder, errors);
  await page.goto(server.url);
  return {
    name: BROWSER,
    requests,
    errors,
    ...page,
    async select(selector, value) {
      await page.evaluate(`(() => { const e = document.querySelector(${JSON.stringify(selector)});
        e.value = ${JSON.stringify(value)}; e.dispatchEvent(new Event("change", { bubbles: true })); })()`);
    },
    text: (selector) => page.evaluate(`document.querySelector(${JSON.stringify(selector)}).textContent`),
    drop: (selector, files) =>
      page.evaluate(`(async () => {
        const transfer = new DataTransfer();
        for (const { name, text } of ${JSON.stringify(files)}) {
          const content = text ?? await (await fetch("data/" + name)).blob();
          transfer.items.add(new File([content], name));
        }
        const target = document.querySelector(${JSON.stringify(selector)});
        for (const type of ["dragover", "drop"])
          target.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: transfer }));
      })()`),
    download: (selector, name) => page.download(() => page.click(selector), name),
    async waitFor(expression) {
      const end = Date.now() + PATIENCE_MS;
      while (!(await page.evaluate<boolean>(`Boolean(${expression})`))) {
        if (Date.now() > end) {
          const said = await page.evaluate<string>(
            `[...document.querySelectorAll(".status, .fault")].map((e) => e.textContent).join(" | ")`,
          );
          throw new Error(`page never came to ${expression}; it says: ${said}; errors: ${errors.join("; ")}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    async close() {
      await page.close();
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function startChromium(
  { width, dark, before }: Required<PageOptions>,
  folder: string,
  errors: string[],
): Promise<Driven> {
  const { chromium } = await import("playwright-core");
  const browser = await chromium.launch({ executablePath: PATH });
  const context = await browser.newContext({
    viewport: { width: width!, height: 900 },
    colorScheme: dark ? "dark" : "light",
    acceptDownloads: true,
  });
  const page = await context.newPage();
  await page.addInitScript(before);
  page.on("pageerror", (error) => errors.push(error.message));
  return {
    evaluate: (expression) => page.evaluate(expression),
    evaluateInWorkers: (expression) =>
      Promise.all(page.workers().map((worker) => worker.evaluate(expression))) as never,
    goto: async (url) => void (await page.goto(url)),
    leaveAndReturn: async () => {
      await page.goto("about:blank");
      await page.goBack();
    },
    click: (selector) => page.click(selector),
    press: (key) => page.keyboard.press(key),
    setFile: (selector, path) => page.setInputFiles(selector, [path].flat()),
    async download(start, name) {
      const [download] = await Promise.all([page.waitForEvent("download"), start()]);
      if (download.suggestedFilename() !== name) throw new Error(`saved ${download.suggestedFilename()}, not ${name}`);
      await download.saveAs(join(folder, name));
      return readFileSync(join(folder, name));
    },
    close: () => browser.close(),
  };
}

/** Everything is saved into `folder` without asking. */
const firefoxPreferences = (folder: string, dark: boolean): Record<string, unknown> => ({
  "browser.download.folderList": 2,
  "browser.download.dir": folder,
  "browser.download.useDownloadDir": true,
  "browser.helperApps.neverAsk.saveToDisk": "application/octet-stream,text/html",
  "browser.download.always_ask_before_handling_new_types": false,
  "layout.css.prefers-color-scheme.content-override": dark ? 0 : 1,
});

async function startFirefox(
  { width, dark, before }: Required<PageOptions>,
  folder: string,
  errors: string[],
): Promise<Driven> {
  const { launch } = await import("puppeteer-core");
  const browser = await launch({
    browser: "firefox",
    executablePath: PATH,
    headless: true,
    defaultViewport: { width: width!, height: 900 },
    extraPrefsFirefox: firefoxPreferences(folder, dark!),
  });
  const page = await browser.newPage();
  await page.evaluateOnNewDocument(before);
  page.on("pageerror", (error) => errors.push(error instanceof Error ? error.message : String(error)));
  return {
    evaluate: (expression) => page.evaluate(expression) as never,
    evaluateInWorkers: async () => null,
    goto: async (url) => void (await page.goto(url)),
    leaveAndReturn: async () => {
      await page.goto("about:blank");
      await page.goBack();
    },
    click: (selector) => page.click(selector),
    press: (key) => page.keyboard.press(key as "Tab"),
    async setFile(selector, path) {
      const input = await page.$(selector);
      await (input as { uploadFile(...paths: string[]): Promise<void> } | null)!.uploadFile(...[path].flat());
    },
    async download(start, name) {
      const path = join(folder, name);
      rmSync(path, { force: true });
      await start();
      const end = Date.now() + PATIENCE_MS;
      // A part file stands beside it until the last byte is in place.
      while (!existsSync(path) || readdirSync(folder).some((file) => file.endsWith(".part"))) {
        if (Date.now() > end) throw new Error(`${name} was not saved, expected it in ${readdirSync(folder)}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      return readFileSync(path);
    },
    close: () => browser.close(),
  };
}
