/** A Redis server of the test's own: Debian's `redis-server`, on a free port, with an append-only file. */

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createServer } from "node:net";

export interface RedisServer {
  readonly url: string;
  /** Ends it and starts it again on the same files. `hard` kills it. */
  restart(hard?: boolean): Promise<void>;
  stop(): Promise<void>;
}

/** True where the machine has `redis-server`. With `npm test -- --all` it must. */
export const hasRedis = (): boolean =>
  spawnSync("redis-server", ["--version"]).status === 0 || process.env.REBASIN_ALL !== undefined;

/** Keeps its files in `folder`. */
export async function startRedis(folder: string): Promise<RedisServer> {
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  let server = await launch(port, folder);
  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    const ended = new Promise((resolve) => server.once("exit", resolve));
    server.kill(signal);
    await ended;
  };
  return {
    url,
    async restart(hard = false) {
      await stop(hard ? "SIGKILL" : "SIGTERM");
      server = await launch(port, folder);
    },
    stop: () => stop("SIGKILL"),
  };
}

/** Resolves when it is ready. */
function launch(port: number, folder: string): Promise<ChildProcess> {
  const words = ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder, "--save", ""];
  const server = spawn("redis-server", [...words, "--appendonly", "yes", "--appendfsync", "always"]);
  return new Promise((resolve, reject) => {
    server.on("error", reject);
    server.on("exit", (code) => reject(new Error(`redis-server ended with ${code}, expected it to start`)));
    server.stdout.on("data", (text) => {
      if (String(text).includes("Ready to accept connections")) resolve(server);
    });
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}
