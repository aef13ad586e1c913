/** A page out of a guide, in Chromium: the two checkpoints are chosen, and what the page offers for download is kept. */

import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { chromium } from "playwright-core";
import { which } from "../../scripts/runtimes/machine.mjs";

export const CHROMIUM: string | null = which("chromium", "chromium-browser", "google-chrome-stable", "google-chrome");

const TYPES = new Map([
  [".html", "text/html"],
  [".js", "text/javascript"],
]);

/** Serves the guide's folder, and the installed packages under /node_modules/. */
function serve(folder: string): ReturnType<typeof createServer> {
  return createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url!, "http://localhost").pathname));
    const file = path.startsWith("/node_modules/") ? join(process.cwd(), path) : join(folder, path);
    try {
      const body = readFileSync(file);
      response.writeHead(200, {
        "content-type": TYPES.get(extname(file)) ?? "application/octet-stream",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-embedder-policy": "require-corp",
      });
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
}

/** Opens the page, gives it a.safetensors and b.safetensors, waits for its download; returns the text of its `output`. */
export async function runPage(folder: string, html: string): Promise<string> {
  writeFileSync(join(folder, "page.html"), html);
  const server = serve(folder);
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as { port: number };
  const browser = await chromium.launch({ executablePath: CHROMIUM!, args: ["--no-sandbox"] });
  try {
    const page = await browser.newPage();
    const faults: string[] = [];
    page.on("pageerror", (error) => faults.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error" && !message.text().includes("404")) faults.push(message.text());
    });
    await page.goto(`http://127.0.0.1:${port}/page.html`);
    await page.setInputFiles("#a", join(folder, "a.safetensors"));
    await page.setInputFiles("#b", join(folder, "b.safetensors"));
    const download = page.waitForEvent("download", { timeout: 30_000 });
    await page.click("button").then(
      () => undefined,
      (error: unknown) => faults.push(String(error)),
    );
    const file = await download.catch((error: unknown) => {
      throw new Error([...faults, String(error)].join("\n"));
    });
    await file.saveAs(join(folder, file.suggestedFilename()));
    const text = await page.innerText("output");
    if (faults.length > 0) throw new Error(faults.join("\n"));
    return `${text}\n`;
  } finally {
    await browser.close();
    server.close();
  }
}
