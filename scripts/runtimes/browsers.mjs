// The three browser engines, each driven by the library that knows it best; all they do is show one page.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { freePort, untilReady, which } from "./machine.mjs";
import { runPage } from "./page.mjs";
import { runProgram } from "./processes.mjs";

const UNIT = ["unit"];
/** Those whose driver reaches into a page run the app as well. */
const DRIVEN = ["unit", "app"];

const CHROMIUM = which("chromium", "chromium-browser", "google-chrome-stable", "google-chrome");
const FIREFOX = which("firefox-esr", "firefox");

async function inChromium(job) {
  const { chromium } = await import("playwright-core");
  const browser = await chromium.launch({ executablePath: CHROMIUM });
  try {
    const page = await browser.newPage();
    await runPage(job, async (url, fail) => {
      page.on("crash", () => fail(new Error("the page crashed")));
      await page.goto(url);
    });
  } finally {
    await browser.close();
  }
}

async function inFirefox(job) {
  const { launch } = await import("puppeteer-core");
  const browser = await launch({ browser: "firefox", executablePath: FIREFOX, headless: true });
  try {
    const page = await browser.newPage();
    await runPage(job, (url) => page.goto(url));
  } finally {
    await browser.close();
  }
}

const DRIVER = which("WebKitWebDriver");
const XVFB = which("xvfb-run");
/** GTK's own small browser is what the driver starts; Debian keeps it off PATH, by machine and API version. */
const MINI_BROWSER = ["x86_64", "aarch64"]
  .flatMap((machine) =>
    ["webkit2gtk-4.1", "webkit2gtk-4.0"].map((api) => `/usr/lib/${machine}-linux-gnu/${api}/MiniBrowser`),
  )
  .find((path) => existsSync(path));

/** GTK needs a display even when nobody looks. */
async function inWebKit(job) {
  const { Builder } = await import("selenium-webdriver");
  const port = await freePort();
  // A group of its own, so that the display and the browser can be ended with the driver.
  const driver = spawn(XVFB, ["-a", DRIVER, "-p", String(port)], { stdio: "ignore", detached: true });
  const end = () => {
    if (driver.exitCode === null && driver.pid !== undefined) process.kill(-driver.pid, "SIGTERM");
  };
  process.once("exit", end);
  let session;
  try {
    const address = `http://127.0.0.1:${port}`;
    await untilReady(driver, () => fetch(`${address}/status`));
    const options = { binary: MINI_BROWSER, args: ["--automation"] };
    session = await new Builder()
      .usingServer(address)
      .withCapabilities({ browserName: "MiniBrowser", "webkitgtk:browserOptions": options })
      .build();
    await runPage(job, (url) => session.get(url));
  } finally {
    await session?.quit().catch(() => undefined);
    process.off("exit", end);
    end();
  }
}

const needs = (parts) => () => {
  const lacking = Object.keys(parts).filter((name) => !parts[name]);
  return lacking.length === 0 ? null : `${lacking.join(" and ")} not found`;
};

/** The suites of the app run in Node, and drive the browser from there. */
const driving = (name, path, show) => (job) =>
  job.suite === "app"
    ? runProgram([process.execPath], job, { REBASIN_BROWSER: name, REBASIN_BROWSER_PATH: path })
    : show(job);

export const browsers = {
  chromium: {
    suites: DRIVEN,
    missing: needs({ chromium: CHROMIUM }),
    run: driving("chromium", CHROMIUM, inChromium),
  },
  firefox: { suites: DRIVEN, missing: needs({ firefox: FIREFOX }), run: driving("firefox", FIREFOX, inFirefox) },
  webkit: {
    suites: UNIT,
    missing: needs({ WebKitWebDriver: DRIVER, "xvfb-run": XVFB, MiniBrowser: MINI_BROWSER }),
    run: inWebKit,
  },
};
