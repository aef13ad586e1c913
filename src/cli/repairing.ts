/** The repair of a merge on the command line: options, and how it is run. */

import { firstImages } from "../data/select.ts";
import { applyPermutations } from "../perm/apply.ts";
import type { RepairKind, RepairReport } from "../recipes/repair/repair-model.ts";
import { withTensorFlow } from "../run/peers.ts";
import type { Spec } from "../spec/types.ts";
import type { Model } from "../tensor.ts";
import { type CommandContext, numberOption, type OptionRule, UsageError } from "./command.ts";
import { readSplit } from "./image-data.ts";

/** As in the figures of the paper's repositories: more images change little. */
const REPAIR_IMAGES = 10_000;

export const REPAIR_OPTIONS: Readonly<Record<string, OptionRule>> = {
  repair: {
    value: "KIND",
    help: "after merging: recompute BatchNorm's statistics, or scale and shift channels to what A and B do on --data",
    choices: ["bn-reset", "repair", "rescale", "reshift"],
  },
  "repair-images": { value: "N", help: `training images for --repair (default ${REPAIR_IMAGES})` },
  "repair-at": {
    value: "WHERE",
    help: "repair, rescale, reshift: after convolutions and matrices (default), after norms (better with LayerNorm), or both",
    choices: ["linear", "norms", "both"],
  },
  "add-bias": { help: "repair, reshift: convolutions and matrices without bias gain one, to be shifted" },
};

/** Repairs a merge of the aligned pair at `lambda`. */
export type Repair = (merged: Model, pair: MergedPair) => Promise<{ model: Model; report: RepairReport }>;

export interface MergedPair {
  readonly a: Model;
  readonly b: Model;
  readonly spec: Spec;
  readonly permutations: ReadonlyMap<string, Int32Array>;
  readonly lambda: number;
}

/** What `--repair` asks for; undefined without it. Throws `UsageError` for options that need it or that it needs. */
export function planRepair(context: CommandContext): Repair | undefined {
  const { values, flags } = context;
  const kind = values.get("repair") as RepairKind | undefined;
  const wanted = numberOption(context, "repair-images", { min: 2, max: Number.MAX_SAFE_INTEGER, integer: true });
  if (kind === undefined) {
    const alone = ["repair-images", "repair-at", "add-bias"].find((name) => values.has(name) || flags.has(name));
    if (alone !== undefined) throw new UsageError(`--${alone} is for --repair, expected no --${alone}`);
    return undefined;
  }
  if (!values.has("data")) throw new UsageError(`--repair ${kind} has no --data, expected --data DIR`);
  const needless = kind === "bn-reset" ? ["repair-at", "add-bias"] : kind === "rescale" ? ["add-bias"] : [];
  const unused = needless.find((name) => values.has(name) || flags.has(name));
  if (unused !== undefined) throw new UsageError(`--${unused} is not for --repair ${kind}, expected no --${unused}`);
  const at = (values.get("repair-at") ?? "linear") as "linear" | "norms" | "both";
  return async (merged, { a, b, spec, permutations, lambda }) => {
    const { repairModel } = await withTensorFlow(() => import("../recipes/repair/repair-model.ts"));
    const data = firstImages(await trainingImages(context), wanted ?? REPAIR_IMAGES);
    const aligned = await applyPermutations(b, spec, permutations);
    const { signal, onProgress } = context;
    return repairModel(merged, a, aligned, data, {
      kind,
      lambda,
      at,
      addBias: flags.has("add-bias"),
      signal,
      onProgress,
    });
  };
}

/** All training images: `--limit` is for what matching looks at. */
function trainingImages(context: CommandContext): ReturnType<typeof readSplit> {
  return readSplit({ ...context, values: new Map([...context.values].filter(([name]) => name !== "limit")) }, "train");
}

/** The report for people. */
export function repairText({ kind, images, places, unshifted, addedBiases }: RepairReport): string {
  const counts = [`${places.length} places`, `${images} images`];
  if (kind !== "bn-reset" && kind !== "reshift") {
    const [least, most] = [
      Math.min(...places.map(({ scale }) => scale[0])),
      Math.max(...places.map(({ scale }) => scale[2])),
    ];
    counts.push(`scales ${least.toPrecision(3)} to ${most.toPrecision(3)}`);
  }
  const dead = places.reduce((sum, place) => sum + place.dead, 0);
  if (dead > 0) counts.push(`${dead} channels that never change`);
  const lines = [`repaired   ${kind}, ${counts.join(", ")}`];
  if (addedBiases.length > 0) lines.push(`added      ${addedBiases.length} biases`);
  if (unshifted.length > 0)
    lines.push(`unshifted  ${unshifted.length} places have no bias (--add-bias adds one): ${unshifted.join(", ")}`);
  return lines.join("\n");
}
