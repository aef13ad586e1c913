/** npm run experiments -- NAME --data DIR: trains, measures, and writes one page and one JSON of figures. */

import { createProgressBar } from "../../src/cli/progress-bar.ts";
import { runCommandLine } from "./command-line.ts";

const interrupt = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => interrupt.abort(new DOMException("interrupted", "AbortError")));
const bar = createProgressBar(process.stderr, false);
process.exitCode = await runCommandLine(process.argv.slice(2), {
  signal: interrupt.signal,
  onProgress: bar.onProgress,
  note(text) {
    bar.clear();
    process.stderr.write(`${text}\n`);
  },
  print: (text) => process.stdout.write(`${text}\n`),
});
