/** The page's four workers, each started when it is first asked something. */

import type { ChartCalls, EvaluateCalls, FileCalls, MatchCalls } from "./calls.ts";
import { type Connection, connect } from "./rpc.ts";

export interface Workers {
  readonly files: Connection<FileCalls>;
  readonly match: Connection<MatchCalls>;
  readonly evaluate: Connection<EvaluateCalls>;
  readonly charts: Connection<ChartCalls>;
}

export function createWorkers(): Workers {
  return {
    files: connect(() => startWorker("files-worker.js")),
    match: connect(() => startWorker("match-worker.js")),
    evaluate: connect(() => startWorker("evaluate-worker.js")),
    charts: connect(() => startWorker("charts-worker.js")),
  };
}

/**
 * By way of a Blob, since such a worker has the security policy of the page, from wherever the page is served. One that
 * comes from an address has that of its headers, and a plain host sends none.
 */
function startWorker(file: string): Worker {
  const source = `import ${JSON.stringify(new URL(file, import.meta.url).href)};`;
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const worker = new Worker(url, { type: "module" });
  // Long after it has been read, which nothing tells.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
  return worker;
}
