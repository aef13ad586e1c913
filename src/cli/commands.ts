/** All commands, in the order of the help. Each loads when it is called. */

import type { Command } from "./command.ts";

/** What can be known of a command without loading it. */
export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

export const COMMANDS: readonly CommandEntry[] = [
  {
    name: "merge",
    summary: "Align B to A and write their merge",
    load: async () => (await import("./commands/merge.ts")).merge,
  },
  {
    name: "many",
    summary: "Align several models to each other and write their mean",
    load: async () => (await import("./commands/many.ts")).many,
  },
  {
    name: "run",
    summary: "Run a recipe or a plan: merges from a file",
    load: async () => (await import("./commands/run.ts")).run,
  },
  {
    name: "sweep",
    summary: "Measure a recipe with several settings of its blend",
    load: async () => (await import("./commands/sweep.ts")).sweep,
  },
  {
    name: "match",
    summary: "Find the permutations that align B to A",
    load: async () => (await import("./commands/match.ts")).match,
  },
  {
    name: "apply",
    summary: "Renumber a model's units by saved permutations; or fit a merge to a task by its side file",
    load: async () => (await import("./commands/apply.ts")).apply,
  },
  {
    name: "inspect",
    summary: "Show a model's tensors, family, permutation groups and symmetries",
    load: async () => (await import("./commands/inspect.ts")).inspect,
  },
  {
    name: "verify",
    summary: "Prove a spec by running the network with its units renumbered",
    load: async () => (await import("./commands/verify.ts")).verify,
  },
  {
    name: "compare",
    summary: "Check whether two models can be merged, and if not, list every reason",
    load: async () => (await import("./commands/compare.ts")).compare,
  },
  {
    name: "convert",
    summary: "Write a model in another format, or in shards of another size; in its own format a copy",
    load: async () => (await import("./commands/convert.ts")).convert,
  },
  {
    name: "evaluate",
    summary: "Measure a model's loss, accuracy and calibration on labelled images",
    load: async () => (await import("./commands/evaluate.ts")).evaluate,
  },
  {
    name: "curve",
    summary: "Measure loss and accuracy between A and B, as they are and aligned",
    load: async () => (await import("./commands/curve.ts")).curve,
  },
  {
    name: "contour",
    summary: "Measure the loss on the plane through A, B and the aligned B",
    load: async () => (await import("./commands/contour.ts")).contour,
  },
  {
    name: "worker",
    summary: "Work on the jobs of a queue, on this machine",
    load: async () => (await import("./commands/worker.ts")).worker,
  },
  {
    name: "jobs",
    summary: "List the jobs of a queue, wait for some, or cancel them",
    load: async () => (await import("./commands/jobs.ts")).jobs,
  },
];
