/** An edge worker: bundled by wrangler as for a deployment, and what it made of it run in workerd. */

import { createHash } from "node:crypto";
import { cpSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { untilReady } from "../../scripts/runtimes/machine.mjs";
import { startWorker, workerdBinary } from "../../scripts/runtimes/workerd.mjs";
import { A, B, consumer, MERGED, project, ROOT, run, TOOLS } from "./project.ts";

const test = suite("consumers: edge");

const wrangler = join(TOOLS, "wrangler/bin/wrangler.js");
/** Nothing sent, nothing asked, nothing left in a home. */
const quiet = (folder: string): Record<string, string> => ({
  WRANGLER_SEND_METRICS: "false",
  CI: "1",
  XDG_CONFIG_HOME: join(folder, "config"),
});

consumer(test, "wrangler: deploy --dry-run, in workerd", { wrangler, workerd: workerdBinary() }, async () => {
  const config = { name: "consumer", main: "worker.js", compatibility_date: "2026-04-01" };
  const folder = project("wrangler", ["worker.js"], { "wrangler.json": JSON.stringify(config) });
  await run(process.execPath, [wrangler, "deploy", "--dry-run", "--outdir", "out"], folder, quiet(folder));
  const worker = await startWorker(join(folder, "out"), { main: "worker.js" });
  try {
    const body = Buffer.concat([readFileSync(A), readFileSync(B)]);
    const answer = await untilReady(worker.child, () => fetch(worker.url, { method: "POST", body }));
    assert.is(await answer.text(), MERGED);
  } finally {
    worker.stop();
  }
});

consumer(test, "wrangler: examples/worker, in workerd", { wrangler, workerd: workerdBinary() }, async () => {
  const folder = project("worker", []);
  const example = join(ROOT, "examples/worker");
  for (const file of ["src", "wrangler.jsonc"]) cpSync(join(example, file), join(folder, file), { recursive: true });
  await run(process.execPath, [wrangler, "deploy", "--dry-run", "--outdir", "out"], folder, quiet(folder));
  // What a first matching calls is still compiled when the worker starts.
  assert.ok(readFileSync(join(folder, "out/index.js"), "utf8").match(/=\s*\((?:async )?function\b/g)!.length > 80);
  const flags = ["enable_request_signal"];
  const worker = await startWorker(join(folder, "out"), { main: "index.js", flags });
  try {
    await untilReady(worker.child, () => fetch(worker.url));
    const body = new FormData();
    for (const [name, path] of Object.entries({ a: A, b: B })) body.append(name, new Blob([readFileSync(path)]), name);
    const merged = await (await fetch(`${worker.url}merge`, { method: "POST", body })).arrayBuffer();
    assert.is(createHash("sha256").update(new Uint8Array(merged)).digest("hex"), MERGED);
  } finally {
    worker.stop();
  }
});

test.run();
