/** An edge worker: bundled by wrangler as for a deployment, and what it made of it run in workerd. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { untilReady } from "../../scripts/runtimes/machine.mjs";
import { startWorker, workerdBinary } from "../../scripts/runtimes/workerd.mjs";
import { A, B, consumer, MERGED, project, run, TOOLS } from "./project.ts";

const test = suite("consumers: edge");

const wrangler = join(TOOLS, "wrangler/bin/wrangler.js");
consumer(test, "wrangler: deploy --dry-run, in workerd", { wrangler, workerd: workerdBinary() }, async () => {
  const config = { name: "consumer", main: "worker.js", compatibility_date: "2026-04-01" };
  const folder = project("wrangler", ["worker.js"], { "wrangler.json": JSON.stringify(config) });
  const env = { WRANGLER_SEND_METRICS: "false", CI: "1", XDG_CONFIG_HOME: join(folder, "config") };
  await run(process.execPath, [wrangler, "deploy", "--dry-run", "--outdir", "out"], folder, env);
  const worker = await startWorker(join(folder, "out"), { main: "worker.js" });
  try {
    const body = Buffer.concat([readFileSync(A), readFileSync(B)]);
    const answer = await untilReady(worker.child, () => fetch(worker.url, { method: "POST", body }));
    assert.is(await answer.text(), MERGED);
  } finally {
    worker.stop();
  }
});

test.run();
