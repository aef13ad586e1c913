// workerd, the runtime of Cloudflare's edge: the suites are modules of a worker, and run while it answers a request,
// where nothing may be compiled. Its wasm files are modules, too, as in the package's `workerd` entry.
import { spawn } from "node:child_process";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { freePort, untilReady } from "./machine.mjs";

const require = createRequire(import.meta.url);
/** The binary lies in a package of its own for each platform; the launcher would not pass signals on. */
const PLATFORM = {
  "linux x64": "linux-64",
  "linux arm64": "linux-arm64",
  "darwin x64": "darwin-64",
  "darwin arm64": "darwin-arm64",
};
export const workerdBinary = () => {
  const launcher = dirname(require.resolve("workerd/package.json"));
  const platform = PLATFORM[`${process.platform} ${process.arch}`];
  return join(launcher, "..", `@cloudflare/workerd-${platform}`, "bin/workerd");
};

/** Evaluated before the suites: uvu keeps what it finds to print with, and takes this for Node if it sees a standard output. */
const HOST = `export const host = { log: () => undefined };
globalThis.hostLog = (text) => host.log(text);
if (globalThis.process?.stdout) process.stdout.write = globalThis.hostLog;
`;

const WORKER = `import { host } from "host.mjs";
import { runAndReport } from "suite.mjs";
export default {
  async fetch() {
    const { readable, writable } = new TransformStream();
    const writer = writable.getWriter();
    const encoder = new TextEncoder();
    host.log = (text) => void writer.write(encoder.encode(text));
    runAndReport().catch((error) => host.log(String(error?.stack ?? error))).finally(() => writer.close());
    return new Response(readable);
  },
};
`;

/** `bindings`: text by name, as a worker's environment has it; `flags`: of compatibility. Requests of the worker may go to this machine, too. */
function config(files, port, { bindings = {}, flags = [] }) {
  const modules = files.map((file) => {
    const kind = file.endsWith(".wasm") ? "wasm" : "esModule";
    return `(name = "${file}", ${kind} = embed "${file}")`;
  });
  const texts = Object.entries(bindings).map(([name, text]) => `(name = "${name}", text = ${JSON.stringify(text)})`);
  const list = (words) => `[${words.map((word) => JSON.stringify(word)).join(", ")}]`;
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .worker), (name = "internet", network = (allow = ["public", "private"]))],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [${modules.join(", ")}],
  bindings = [${texts.join(", ")}],
  compatibilityDate = "2026-10-01",
  compatibilityFlags = ${list(flags)},
);
`;
}

/** Starts a worker whose modules, and all its .wasm files, lie in `folder`; `main` comes first. */
export async function startWorker(folder, { main, modules = [], ...settings }) {
  const wasm = readdirSync(folder).filter((file) => file.endsWith(".wasm"));
  const port = await freePort();
  writeFileSync(join(folder, "config.capnp"), config([main, ...modules, ...wasm], port, settings));
  const words = ["serve", join(folder, "config.capnp")];
  const child = spawn(workerdBinary(), words, { stdio: ["ignore", "ignore", "inherit"] });
  return { url: `http://127.0.0.1:${port}/`, child, stop: () => child.kill() };
}

async function run({ folder, log }) {
  writeFileSync(join(folder, "host.mjs"), HOST);
  writeFileSync(join(folder, "worker.mjs"), WORKER);
  const worker = await startWorker(folder, { main: "worker.mjs", modules: ["host.mjs", "suite.mjs"] });
  try {
    // The suites run for every request: a first one must not be sent twice.
    const response = await untilReady(worker.child, () => fetch(worker.url));
    for await (const text of response.body.pipeThrough(new TextDecoderStream())) log(text);
  } finally {
    worker.stop();
  }
}

export const workerd = {
  workerd: {
    suites: ["unit", "edge"],
    missing: () => (existsSync(workerdBinary()) ? null : "npm ci installs it"),
    run,
    edge: true,
  },
};
