/** `npm run bench -- gemm|assign|match|threads|gradients|startup|app|page-memory|jobs`: times ours beside others and keeps the results in results.md. */

import { basename, relative } from "node:path";
import { FormatError, SpecError } from "../../src/base/errors.ts";
import { describeMachine, ROOT, runtimeMajor } from "./machine.ts";
import { type BenchOptions, parseOptions, USAGE, UsageError } from "./options.ts";
import { type Outcome, writeSection } from "./results.ts";

/** Loaded when asked for: TensorFlow.js, for one, takes its time. */
const COMMANDS: Readonly<Record<string, () => Promise<(options: BenchOptions) => Promise<Outcome>>>> = {
  gemm: async () => (await import("./gemm.ts")).benchGemm,
  assign: async () => (await import("./assign.ts")).benchAssign,
  match: async () => (await import("./match.ts")).benchMatch,
  threads: async () => (await import("./threads.ts")).benchThreads,
  gradients: async () => (await import("./gradients.ts")).benchGradients,
  startup: async () => (await import("./startup.ts")).benchStartup,
  app: async () => (await import("./app.ts")).benchApp,
  "page-memory": async () => (await import("./page-memory.ts")).benchPageMemory,
  jobs: async () => (await import("./jobs.ts")).benchJobs,
};

const args = process.argv.slice(2);
if (args[0] === undefined || args.includes("--help")) {
  console.log(USAGE);
  process.exit(args[0] === undefined ? 2 : 0);
}

/** Ends with what the user can put right; anything else is ours to put right, and needs its stack. */
function refuse(error: unknown, more: string): never {
  const theirs = error instanceof UsageError || error instanceof FormatError || error instanceof SpecError;
  if (!theirs) throw error;
  console.error(error.message + more);
  process.exit(2);
}

let options: BenchOptions;
try {
  options = parseOptions(args);
} catch (error) {
  refuse(error, `\n\n${USAGE}`);
}
const machine = describeMachine();
console.log(machine);
const started = performance.now();
const bench = await COMMANDS[options.command]!();
const { body, faults } = await bench(options).catch((error) => refuse(error, ""));
const seconds = Math.round((performance.now() - started) / 1000);
// Where the files lie on this machine is nobody's business.
const words = args.map((word) => (/[\\/]/.test(word) ? basename(word) : word));
if (options.dump === undefined) {
  const out = options.out ?? `${ROOT}/scripts/bench/results.md`;
  const title = `${options.command}, ${runtimeMajor()}`;
  writeSection(out, title, `${machine}. \`npm run bench -- ${words.join(" ")}\`, ${seconds} s.\n\n${body}`);
  console.log(`\n${body}\n\nwritten to ${relative(process.cwd(), out)}, ${seconds} s`);
} else console.log(body);
for (const fault of faults) console.error(`wrong: ${fault}`);
process.exitCode = faults.length > 0 ? 1 : 0;
