// `npm run app [-- --port N]`: serves the browser app of dist/app/ to this machine, with the headers that give it shared
// memory (threads) and that hold its security policy.
import { readFile, stat } from "node:fs/promises";
import { createServer } from "node:http";
import { dirname, extname, join, normalize, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const APP = join(dirname(dirname(fileURLToPath(import.meta.url))), "dist/app");

const TYPES = new Map([
  [".html", "text/html; charset=utf-8"],
  [".css", "text/css; charset=utf-8"],
  [".js", "text/javascript; charset=utf-8"],
  [".wasm", "application/wasm"],
  [".txt", "text/plain; charset=utf-8"],
]);

/** As the page itself says it, for what is loaded besides. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self' blob:",
  "connect-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

const HEADERS = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
  "cross-origin-resource-policy": "same-origin",
  "content-security-policy": POLICY,
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "cache-control": "no-store",
};

/** Answers with files of `folder` and nothing else. */
async function answer(folder, request, response) {
  const refuse = (status) =>
    response.writeHead(status, { ...HEADERS, "content-type": "text/plain" }).end(`${status}\n`);
  if (request.method !== "GET" && request.method !== "HEAD") return refuse(405);
  let path;
  try {
    path = normalize(decodeURIComponent(new URL(request.url, "http://app").pathname));
  } catch {
    return refuse(400);
  }
  const file = join(folder, path.endsWith(sep) ? join(path, "index.html") : path);
  const found = file.startsWith(folder + sep) ? await stat(file).catch(() => null) : null;
  if (!found?.isFile()) return refuse(404);
  const type = TYPES.get(extname(file)) ?? "application/octet-stream";
  response.writeHead(200, { ...HEADERS, "content-type": type, "content-length": found.size });
  response.end(request.method === "HEAD" ? undefined : await readFile(file));
}

/**
 * Serves the app to this machine only. `port` 0 takes any that is free. `onRequest(method, path)` hears of each request.
 * Resolves to its address and what closes it.
 */
export async function serveApp({ folder = APP, port = 0, onRequest = () => undefined } = {}) {
  const server = createServer((request, response) => {
    onRequest(request.method, request.url);
    answer(folder, request, response).catch(() => response.destroy());
  });
  await new Promise((resolve, reject) => server.once("error", reject).listen(port, "127.0.0.1", resolve));
  const close = async () => {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  };
  return { url: `http://localhost:${server.address().port}/`, close };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { port: { type: "string", default: "8460" } } });
  if ((await stat(join(APP, "index.html")).catch(() => null)) === null) {
    console.error(`${APP} is not built, expected a build (npm run build)`);
    process.exit(1);
  }
  const { url } = await serveApp({ port: Number(values.port) });
  console.log(`rebasin app: ${url}\nCtrl+C ends it.`);
}
