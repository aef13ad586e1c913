/** Serves a user's built site and waits for what its page posts. */

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { A, B } from "./project.ts";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
};

const PATIENCE_MS = 60_000;

/** The page most tests use: a script and nothing else. */
export const page = (script: string): string =>
  `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><title>consumer</title>
<script type="module" src="${script}"></script>\n`;

/** Lets `open` show the page of `folder` in a browser, and resolves to the text that the page posts to /result. */
export async function visit(folder: string, open: (url: string) => Promise<unknown>): Promise<string> {
  let answer: (text: string) => void = () => undefined;
  const answered = new Promise<string>((resolve) => {
    answer = resolve;
  });
  const server = createServer(async (request, response) => {
    const path = normalize(new URL(request.url ?? "/", "http://page").pathname);
    if (request.method === "POST") {
      let text = "";
      for await (const chunk of request.setEncoding("utf8")) text += chunk;
      response.writeHead(204).end();
      return answer(text);
    }
    const fixture = { "/fixtures/a": A, "/fixtures/b": B }[path];
    const file = fixture ?? join(folder, path === "/" ? "index.html" : path);
    const body = await readFile(file).catch(() => null);
    response.writeHead(body === null ? 404 : 200, {
      "content-type": TYPES[extname(file)] ?? "application/octet-stream",
    });
    response.end(body ?? "");
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const timer = setTimeout(() => answer(`page silent for ${PATIENCE_MS / 1000} s`), PATIENCE_MS);
  try {
    await open(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    return await answered;
  } finally {
    clearTimeout(timer);
    server.close();
    server.closeAllConnections();
  }
}
