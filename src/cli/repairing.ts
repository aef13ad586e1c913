/** The repair of merges on the command line: options, and how it is run. */

import { visible } from "../base/visible.ts";
import type { Dataset } from "../data/dataset.ts";
import { firstImages } from "../data/select.ts";
import { applyPermutations } from "../perm/apply-permutations.ts";
import type { AlignedPair } from "../perm/pair.ts";
import type { RepairAt } from "../repair/places.ts";
import type { PairRepair, RepairKind, RepairReport } from "../repair/repair-model.ts";
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

/** Everything that decides what a repair does, but the images: for reports, and to tell runs apart. */
export interface RepairSettings {
  readonly kind: RepairKind;
  /** Not of `bn-reset`. */
  readonly at?: RepairAt | undefined;
  readonly addBias?: boolean | undefined;
}

/** What `--repair` asks for. */
export interface Repair {
  readonly settings: RepairSettings;
  /** The training images it looks at, read once. */
  readonly images: () => Promise<Dataset>;
  /** What repairs merges of a pair. */
  readonly of: (pair: AlignedPair) => Promise<PairRepair>;
}

/** Which places, and how: of every kind of repair but `bn-reset`. */
export function placesOption({ values, flags }: CommandContext): { at: RepairAt; addBias: boolean } {
  return { at: (values.get("repair-at") ?? "linear") as RepairAt, addBias: flags.has("add-bias") };
}

/** What `--repair` asks for; undefined without it. Throws `UsageError` for options that need it or that it needs. */
export function planRepair(context: CommandContext): Repair | undefined {
  const { values, flags, signal, onProgress } = context;
  const kind = values.get("repair") as RepairKind | undefined;
  const given = (name: string): boolean => values.has(name) || flags.has(name);
  if (kind === undefined) {
    const alone = ["repair-images", "repair-at", "add-bias"].find(given);
    if (alone !== undefined) throw new UsageError(`--${alone} is for --repair, expected no --${alone}`);
    return undefined;
  }
  if (!values.has("data")) throw new UsageError(`--repair ${kind} has no --data, expected --data DIR`);
  const needless = kind === "bn-reset" ? ["repair-at", "add-bias"] : kind === "rescale" ? ["add-bias"] : [];
  const unused = needless.find(given);
  if (unused !== undefined) throw new UsageError(`--${unused} is not for --repair ${kind}, expected no --${unused}`);
  const places = placesOption(context);
  const read = repairImages(context, "data");
  let images: Promise<Dataset> | undefined;
  return {
    settings: kind === "bn-reset" ? { kind } : { kind, ...places },
    images: () => (images ??= read()),
    async of({ a, b, spec, permutations }) {
      const { pairRepair } = await import("../repair/repair-model.ts");
      images ??= read();
      const aligned = await applyPermutations(b, spec, permutations);
      return pairRepair(a, aligned, await images, { kind, ...places, signal, onProgress });
    },
  };
}

/** What reads the training images of the folder that `option` names: `--limit` is for what matching looks at. */
export function repairImages(context: CommandContext, option: string): () => Promise<Dataset> {
  const wanted = numberOption(context, "repair-images", { min: 2, max: Number.MAX_SAFE_INTEGER, integer: true });
  const values = new Map([...context.values].filter(([name]) => name !== "limit"));
  values.set("data", context.values.get(option)!);
  return async () => firstImages(await readSplit({ ...context, values }, "train"), wanted ?? REPAIR_IMAGES);
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
    lines.push(
      `unshifted  ${unshifted.length} places have no bias (--add-bias adds one): ${visible(unshifted.join(", "))}`,
    );
  return lines.join("\n");
}
