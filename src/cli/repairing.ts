/** The repair of merges on the command line: options, and how it is run. */

import type { Model } from "../base/model.ts";
import type { Dataset } from "../data/dataset.ts";
import { firstImages } from "../data/select.ts";
import { describeGraph } from "../families/describe-graph.ts";
import { applyPermutations } from "../perm/apply-permutations.ts";
import type { AlignedPair } from "../perm/pair.ts";
import type { RepairOptions } from "../repair/options.ts";
import type { RepairAt } from "../repair/places.ts";
import type { PairRepair } from "../repair/repair-model.ts";
import type { RepairedModel, RepairKind } from "../repair/report.ts";
import { type CommandContext, inGroup, numberOption, type OptionRule, UsageError } from "./command.ts";
import { readSplit } from "./image-data.ts";

/** As in the figures of the paper's repositories: more images change little. */
const REPAIR_IMAGES = 10_000;
/** Least squares has what it needs earlier. */
const LEAST_SQUARES_IMAGES = 500;
/** Images on which A and B must do better than guessing. */
const CHECKED_IMAGES = 500;
/** From how many bytes on the need of memory is worth a line. */
const MUCH_MEMORY = 100e6;

export const REPAIR_OPTIONS: Readonly<Record<string, OptionRule>> = inGroup("repair", {
  repair: {
    value: "KIND",
    help: "after merging, by images of --data: solve each convolution and matrix for what the parents put out (least-squares, the best), recompute BatchNorm's statistics, or scale and shift channels",
    choices: ["least-squares", "bn-reset", "repair", "rescale", "reshift"],
  },
  "repair-images": {
    value: "N",
    help: `training images for --repair (default ${REPAIR_IMAGES}; least-squares: ${LEAST_SQUARES_IMAGES})`,
  },
  ridge: {
    value: "X",
    help: "least-squares: how strongly the merged tensors are held to, relative to what they read (default 0.01)",
  },
  "repair-at": {
    value: "WHERE",
    help: "repair, rescale, reshift: after convolutions and matrices (default), after norms (better with LayerNorm), or both",
    choices: ["linear", "norms", "both"],
  },
  "add-bias": {
    help: "least-squares, repair, reshift: convolutions and matrices without bias gain one, to be shifted",
  },
  "force-repair": { help: "repair also where a parent does no better than guessing on the images" },
});

/** Of the commands that write a merge. */
export const TEMPERATURE_OPTION: OptionRule = {
  help: "least-squares: divide the logits so that they are as sure as the mean of the parents",
  group: "repair",
};

/** After a merge without repair; a network with running statistics needs one. */
export function repairHint({ tensors }: Pick<Model, "tensors">): string {
  const hasStatistics = [...tensors.keys()].some((name) => /[._/](running|moving)_var/.test(name));
  return hasStatistics
    ? "hint       it has BatchNorm, whose statistics fit no merge: --repair least-squares --data DIR sets it right (500 images, unlabelled), or bn-reset"
    : "hint       with images at hand, --repair least-squares --data DIR merges better (500, unlabelled)";
}

/** Everything that decides what a repair does, but the images: for reports, and to tell runs apart. */
export interface RepairSettings extends Pick<RepairOptions, "addBias" | "ridge" | "temperature"> {
  readonly kind: RepairKind;
  /** Of `repair`, `rescale` and `reshift`. */
  readonly at?: RepairAt | undefined;
}

/** What `--repair` asks for. */
export interface Repair {
  readonly settings: RepairSettings;
  /** The training images it looks at, read once. */
  readonly images: () => Promise<Dataset>;
  /** The same, where the models do better than guessing on some of them, or that does not matter. */
  readonly imagesFor: (models: readonly Model[]) => Promise<Dataset>;
  /** What repairs merges of a pair. */
  readonly of: (pair: AlignedPair) => Promise<PairRepair>;
  /** Repairs the merge of aligned models, in equal shares. */
  readonly ofMean: (merged: Model, parents: readonly Model[]) => Promise<RepairedModel>;
  /** What repairs midpoints before starts are compared: `bn-reset` where there is BatchNorm, else nothing. */
  readonly ofStarts: (pair: AlignedPair) => Promise<PairRepair | undefined>;
}

/** Which places, and how: of the kinds that set statistics right by scales and shifts. */
export function placesOption({ values, flags }: CommandContext): { at: RepairAt; addBias: boolean } {
  return { at: (values.get("repair-at") ?? "linear") as RepairAt, addBias: flags.has("add-bias") };
}

/** Options of no use for a kind. */
const NEEDLESS: Readonly<Record<RepairKind, readonly string[]>> = {
  "least-squares": ["repair-at"],
  "bn-reset": ["repair-at", "add-bias", "ridge", "temperature"],
  repair: ["ridge", "temperature"],
  rescale: ["add-bias", "ridge", "temperature"],
  reshift: ["ridge", "temperature"],
};

/** What `--repair` asks for; undefined without it. Throws `UsageError` for options that need it or that it needs. */
export function planRepair(context: CommandContext): Repair | undefined {
  const kind = context.values.get("repair") as RepairKind | undefined;
  checkRepair(context, kind);
  if (kind === undefined) return undefined;
  const { signal, onProgress } = context;
  const settings = settingsOf(context, kind);
  const { read, check } = repairImages(context, "data", kind);
  let images: Promise<Dataset> | undefined;
  const options = { ...settings, signal, onProgress, onNeed: sayNeed(context) };
  const imagesFor = async (models: readonly Model[]): Promise<Dataset> => {
    await check(models);
    images ??= read();
    return images;
  };
  const ofPair = async ({ a, b, spec, permutations }: AlignedPair, given: typeof options): Promise<PairRepair> => {
    const { pairRepair } = await import("../repair/repair-model.ts");
    const data = await imagesFor([a, b]);
    return pairRepair(a, await applyPermutations(b, spec, permutations), data, given);
  };
  return {
    settings,
    images: () => (images ??= read()),
    imagesFor,
    of: (pair) => ofPair(pair, options),
    async ofMean(merged, parents) {
      const { repairModel } = await import("../repair/repair-model.ts");
      return repairModel(merged, parents, await imagesFor(parents), options);
    },
    async ofStarts(pair) {
      const { operations } = await describeGraph(pair.a);
      if (!operations.some((operation) => operation.kind.op === "batch-norm")) return undefined;
      return ofPair(pair, { ...options, ...NOTHING, kind: "bn-reset" });
    },
  };
}

/** What `curve` measures besides: merges repaired, and losses at the best temperature. */
export function planMeasured(context: CommandContext): {
  readonly repair: Repair | undefined;
  readonly temper: (() => Promise<Dataset>) | undefined;
} {
  if (!context.flags.has("temperature")) return { repair: planRepair(context), temper: undefined };
  const isRepaired = context.values.has("repair");
  // Here it folds nothing in.
  const flags = new Set([...context.flags].filter((name) => name !== "temperature"));
  const values = new Map([...context.values].filter(([name]) => isRepaired || name !== "repair-images"));
  const { read } = repairImages(context, "data", "least-squares");
  return { repair: planRepair({ ...context, flags, values }), temper: read };
}

/** What `bn-reset` has no use for. */
const NOTHING = { at: undefined, addBias: undefined, ridge: undefined, temperature: undefined };

function checkRepair({ values, flags }: CommandContext, kind: RepairKind | undefined): void {
  const given = (name: string): boolean => values.has(name) || flags.has(name);
  if (kind === undefined) {
    const alone = ["repair-images", "repair-at", "add-bias", "ridge", "force-repair", "temperature"].find(given);
    if (alone !== undefined) throw new UsageError(`--${alone} is for --repair, expected no --${alone}`);
    return;
  }
  if (!values.has("data")) throw new UsageError(`--repair ${kind} has no --data, expected --data DIR`);
  const unused = NEEDLESS[kind].find(given);
  if (unused !== undefined) throw new UsageError(`--${unused} is not for --repair ${kind}, expected no --${unused}`);
}

function settingsOf(context: CommandContext, kind: RepairKind): RepairSettings {
  if (kind === "bn-reset") return { kind };
  const places = placesOption(context);
  if (kind !== "least-squares") return { kind, ...places };
  const ridge = numberOption(context, "ridge", { min: 0, max: 1e6, integer: false }) ?? 0.01;
  const { addBias } = places;
  return { kind, addBias, ridge, temperature: context.flags.has("temperature") };
}

function sayNeed({ say }: CommandContext): NonNullable<RepairOptions["onNeed"]> {
  return ({ value, bytes }) => {
    if (bytes >= MUCH_MEMORY) say(`least squares takes ${Math.ceil(bytes / 1e6)} MB for ${value}`);
  };
}

/** Images for a repair. */
export interface RepairImages {
  read(): Promise<Dataset>;
  /** Throws `RangeError` where one of the models does no better than guessing on some of them, unless that is allowed. */
  check(models: readonly Model[]): Promise<void>;
}

/** The training images of the folder that `option` names: `--limit` is for what matching looks at. */
export function repairImages(context: CommandContext, option: string, kind?: RepairKind): RepairImages {
  const wanted = numberOption(context, "repair-images", { min: 2, max: Number.MAX_SAFE_INTEGER, integer: true });
  const count = wanted ?? (kind === "least-squares" ? LEAST_SQUARES_IMAGES : REPAIR_IMAGES);
  const values = new Map([...context.values].filter(([name]) => name !== "limit"));
  values.set("data", context.values.get(option)!);
  let split: Promise<Dataset> | undefined;
  const readAll = (): Promise<Dataset> => (split ??= readSplit({ ...context, values }, "train"));
  return {
    read: async () => firstImages(await readAll(), count),
    async check(models) {
      if (context.flags.has("force-repair")) return;
      const { findGuessing } = await import("../repair/check-parents.ts");
      const data = firstImages(await readAll(), CHECKED_IMAGES);
      const found = await findGuessing(models, data, { signal: context.signal });
      if (found === undefined) return;
      const [right, chance] = [found.accuracy, found.chance].map((share) => `${(100 * share).toFixed(1)} %`);
      throw new RangeError(
        `${found.model} gets ${right} of ${data.count} images of ${data.name} right, and guessing ${chance}: expected a network trained on them (--input-size, --scale; --force-repair repairs all the same)`,
      );
    },
  };
}
