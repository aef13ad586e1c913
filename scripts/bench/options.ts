/** The command line of the benchmarks. */

export const USAGE = `usage: npm run bench -- gemm|assign|match|threads|gradients|startup|app|page-memory|jobs [OPTION ...]

  gemm      cost matrices A·Bᵀ: ours, TensorFlow.js on wasm (XNNPACK), numpy on OpenBLAS
  assign    linear assignment: ours, scipy, npm munkres and linear-sum-assignment
  match     whole matchings: ours, and the numpy baseline on the same files
  threads   a matching on two threads, beside two processes of one thread each
  gradients steps of training: TensorFlow.js on wasm with our kernels, without, and on its cpu backend
  startup   a fresh process from import to a merged 64-unit MLP; sizes of what is loaded
  app       the browser app in Chromium: a pair aligned and merged, the longest task of its page, the memory of 2 × 100 MB
  page-memory  the same with 2 × 498 MB: what the tab grows by
  jobs      a tree of eight models by two workers of a queue, beside one process

all         --quick            fewer sizes and rounds
            --full             all sizes and entrants, more rounds
            --out FILE         default scripts/bench/results.md, whose section of this benchmark and runtime is rewritten
            --seed N           of the data (gemm, assign, gradients). Default 1
            --python COMMAND   default /usr/bin/python3 (Debian's python3-numpy and python3-scipy), then python3
gemm        --n N[,N]          sizes
assign      --n N[,N]          sizes
            --kinds KIND[,KIND]
            --real DIR         cost matrices written by match --dump, as further kinds
match,      --pair SPEC A B    a spec file ("auto": detect; the baseline is skipped) and two models; may be repeated
threads     --scale NAME DIR   vgg16 or resnet50 of the baseline script, made in DIR/NAME unless there; may be repeated
            --baseline SCRIPT  path of weight_matching.py; without it, ours alone
match       --seeds N          visiting orders of descent. Default 5
            --dump DIR         writes the cost matrices of each pair's first sweep, and times nothing
app         --pair auto A B    two models to time; default the built-in pair; may be repeated
page-memory --pair SPEC A B    other models`;

/** Something that the user can put right: told without a stack. */
export class UsageError extends Error {}

export type Pace = "quick" | "normal" | "full";

/** A pair of models to match. `spec` is a path, or "auto". */
export interface PairFiles {
  readonly name: string;
  readonly spec: string;
  readonly a: string;
  readonly b: string;
  /** Made by the baseline's `scale NAME DIRECTORY` where it is missing. */
  readonly scale?: { readonly name: string; readonly directory: string };
}

export interface BenchOptions {
  readonly command: string;
  readonly pace: Pace;
  readonly out: string | undefined;
  readonly seed: number;
  readonly python: string | undefined;
  readonly sizes: readonly number[] | undefined;
  readonly kinds: readonly string[] | undefined;
  readonly real: string | undefined;
  readonly pairs: readonly PairFiles[];
  readonly baseline: string | undefined;
  readonly seeds: number;
  readonly dump: string | undefined;
}

/** Which options each command takes beside those of all. */
const OWN: Readonly<Record<string, readonly string[]>> = {
  gemm: ["n"],
  assign: ["n", "kinds", "real"],
  match: ["pair", "scale", "baseline", "seeds", "dump"],
  threads: ["pair", "scale", "baseline"],
  gradients: [],
  startup: [],
  app: ["pair"],
  "page-memory": ["pair"],
  jobs: [],
};
const COMMON = ["quick", "full", "out", "seed", "python"];

/** Number of values after an option; 1 unless listed. */
const ARITY: Readonly<Record<string, number>> = { quick: 0, full: 0, pair: 3, scale: 2 };

/** Parses the arguments. Throws `UsageError`. */
export function parseOptions(args: readonly string[]): BenchOptions {
  const [command = "", ...rest] = args;
  const own = Object.hasOwn(OWN, command) ? OWN[command]! : undefined;
  if (own === undefined) throw new UsageError(`command "${command}", expected one of ${Object.keys(OWN).join(", ")}`);
  const given = new Map<string, string[][]>();
  for (let at = 0; at < rest.length; ) {
    const name = /^--(.+)$/.exec(rest[at]!)?.[1];
    if (name === undefined || !(own.includes(name) || COMMON.includes(name)))
      throw new UsageError(`${command} argument "${rest[at]}", expected one of --${[...own, ...COMMON].join(" --")}`);
    const count = ARITY[name] ?? 1;
    const values = rest.slice(at + 1, at + 1 + count);
    if (values.length < count) throw new UsageError(`--${name} has ${values.length} values, expected ${count}`);
    given.set(name, [...(given.get(name) ?? []), values]);
    at += 1 + count;
  }
  const one = (name: string): string | undefined => given.get(name)?.at(-1)?.[0];
  if (given.has("quick") && given.has("full")) throw new UsageError("--quick and --full, expected one of them");
  return {
    command,
    pace: given.has("quick") ? "quick" : given.has("full") ? "full" : "normal",
    out: one("out"),
    seed: whole("seed", one("seed") ?? "1"),
    python: one("python"),
    sizes: one("n")
      ?.split(",")
      .map((size) => whole("n", size)),
    kinds: one("kinds")?.split(","),
    real: one("real"),
    pairs: [
      ...(given.get("pair") ?? []).map(([spec, a, b]) => ({ name: pairName(a!), spec: spec!, a: a!, b: b! })),
      ...(given.get("scale") ?? []).map(([name, directory]) => scalePair(name!, directory!)),
    ],
    baseline: one("baseline"),
    seeds: whole("seeds", one("seeds") ?? "5"),
    dump: one("dump"),
  };
}

function whole(name: string, text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < 1)
    throw new UsageError(`--${name} ${text}, expected whole numbers from 1`);
  return value;
}

/** "fmnist-mlp" of ".../fmnist-mlp-a.safetensors". */
function pairName(path: string): string {
  return path
    .replace(/^.*[\\/]/, "")
    .replace(/\.safetensors$/, "")
    .replace(/[-_.][a-z0-9]$/i, "");
}

function scalePair(name: string, directory: string): PairFiles {
  if (name !== "vgg16" && name !== "resnet50") throw new UsageError(`--scale ${name}, expected vgg16 or resnet50`);
  // Of its own: the files of two scales have the same names.
  const own = `${directory}/${name}`;
  const file = (leaf: string): string => `${own}/${leaf}`;
  return {
    name,
    spec: file("spec.json"),
    a: file("a.safetensors"),
    b: file("b.safetensors"),
    scale: { name, directory: own },
  };
}
