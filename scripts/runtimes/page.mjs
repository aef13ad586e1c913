// Serves a bundle on a page with the isolation headers, and hears what the page says: the same for every browser.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";

const TYPES = { ".mjs": "text/javascript", ".html": "text/html; charset=utf-8" };

/** Shared memory needs the first two; the last keeps a page from using what an earlier run left in the cache. */
const HEADERS = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
  "cache-control": "no-store",
};

/** Posts what the suites print, in order, and ends with "done": whatever breaks on the way is said, too. */
const PAGE = `<!doctype html>
<meta charset="utf-8">
<link rel="icon" href="data:,">
<title>rebasin suites</title>
<script>
  let sent = Promise.resolve();
  const post = (path, body) => (sent = sent.then(() => fetch(path, { method: "POST", body })));
  globalThis.hostLog = (text) => post("/log", text);
  addEventListener("error", (event) => post("/failed", String(event.error?.stack ?? event.message ?? "script not loaded")), true);
  addEventListener("unhandledrejection", ({ reason }) => post("/failed", String(reason?.stack ?? reason)));
  // After the load event, for which drivers wait only so long.
  addEventListener("load", () => setTimeout(async () => {
    await import("./main.mjs");
    post("/done", "");
  }));
</script>
`;

/** Without a word from the page for so long, it counts as dead. */
const PATIENCE_MS = 240_000;

/** Lets `open(url)` show the page, and resolves when the page says that it is done; rejects when it cannot. */
export async function runPage({ folder, log }, open) {
  const { promise, resolve, reject } = promiseParts();
  let timer;
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(() => reject(new Error(`page silent for ${PATIENCE_MS / 1000} s`)), PATIENCE_MS);
  };
  const server = createServer(async (request, response) => {
    const path = normalize(new URL(request.url, "http://page").pathname);
    if (request.method === "POST") {
      heard();
      let text = "";
      for await (const chunk of request.setEncoding("utf8")) text += chunk;
      response.writeHead(204, HEADERS).end();
      if (path === "/log") log(text);
      else if (path === "/done") resolve();
      else reject(new Error(text));
      return;
    }
    const body = path === "/" ? PAGE : await readFile(join(folder, path)).catch(() => null);
    response.writeHead(body === null ? 404 : 200, {
      ...HEADERS,
      "content-type": TYPES[extname(path) || ".html"] ?? "",
    });
    response.end(body ?? "");
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  heard();
  try {
    await Promise.race([open(`http://127.0.0.1:${server.address().port}/`, reject), promise]);
    await promise;
  } finally {
    clearTimeout(timer);
    server.close();
    server.closeAllConnections();
  }
}

function promiseParts() {
  const parts = {};
  parts.promise = new Promise((resolve, reject) => Object.assign(parts, { resolve, reject }));
  // It may be rejected before anybody waits for it.
  parts.promise.catch(() => undefined);
  return parts;
}
