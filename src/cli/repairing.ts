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
import type { CommandContext } from "./command.ts";
import { type DataSourceValues, dataFolder, readSplit } from "./image-data.ts";
import { choice, flag, inGroup, integer, number, type Option, type Options } from "./option.ts";

/** As in the figures of the paper's repositories: more images change little. */
const REPAIR_IMAGES = 10_000;
/** Least squares has what it needs earlier. */
const LEAST_SQUARES_IMAGES = 500;
/** Images on which A and B must do better than guessing. */
const CHECKED_IMAGES = 500;
/** From how many bytes on the need of memory is worth a line. */
const MUCH_MEMORY = 100e6;

/** Options on how a merge is repaired, whatever the command calls the kind. */
export interface RepairingValues {
  readonly "repair-images": number | undefined;
  readonly ridge: number;
  readonly "repair-at": RepairAt;
  readonly "add-bias": boolean;
  readonly "force-repair": boolean;
}

export interface RepairValues extends RepairingValues {
  readonly repair: RepairKind | undefined;
}

/** What `--repair` does in every command that has it. */
export const REPAIR_HELP =
  "after merging, by images of --data: solve each convolution and matrix for what the parents put out (least-squares, the best), recompute BatchNorm's statistics, or scale and shift channels";

export const REPAIR_KINDS: readonly RepairKind[] = ["least-squares", "bn-reset", "repair", "rescale", "reshift"];

/** Beside any kind. */
const ANY = { repair: true } as const;

export const REPAIR_OPTIONS: Options<RepairValues> = inGroup("repair", {
  repair: choice(REPAIR_KINDS, { value: "KIND", help: REPAIR_HELP, needs: { data: true } }),
  "repair-images": integer({
    value: "N",
    help: "training images to look at",
    defaultText: `${REPAIR_IMAGES}, ${LEAST_SQUARES_IMAGES} for least-squares`,
    min: 2,
    for: ANY,
  }),
  ridge: number({
    value: "X",
    help: "how strongly the merged tensors are held to, relative to what they read",
    default: 0.01,
    min: 0,
    max: 1e6,
    for: { repair: ["least-squares"] },
  }),
  "repair-at": choice(["linear", "norms", "both"], {
    value: "WHERE",
    help: "after convolutions and matrices, after norms (better with LayerNorm), or both",
    default: "linear",
    for: { repair: ["repair", "rescale", "reshift", "per-task"] },
  }),
  "add-bias": flag({
    help: "convolutions and matrices without bias gain one, to be shifted",
    for: { repair: ["least-squares", "repair", "reshift", "per-task"] },
  }),
  "force-repair": flag({ help: "repair also where a parent does no better than guessing on the images", for: ANY }),
});

/** Of the commands that write a merge. */
export const TEMPERATURE_OPTION: Option<boolean> = flag({
  help: "divide the logits so that they are as sure as the mean of the parents",
  group: "repair",
  for: { repair: ["least-squares"] },
});

/** What a repair looks at on the command line. */
type Repairing = CommandContext<RepairValues & DataSourceValues & { readonly temperature: boolean }>;

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
export function placesOption({ options }: CommandContext<RepairingValues>): { at: RepairAt; addBias: boolean } {
  return { at: options["repair-at"], addBias: options["add-bias"] };
}

/** What `--repair` asks for; undefined without it. */
export function planRepair(context: Repairing): Repair | undefined {
  const kind = context.options.repair;
  if (kind === undefined) return undefined;
  const { signal, onProgress } = context;
  const settings = settingsOf(context, kind);
  const { read, check } = repairImages(context, dataFolder(context), kind);
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
export function planMeasured(context: Repairing): {
  readonly repair: Repair | undefined;
  readonly temper: (() => Promise<Dataset>) | undefined;
} {
  const { options } = context;
  // Here the temperature is measured, not folded in.
  const repair = planRepair({ ...context, options: { ...options, temperature: false } });
  const temper = options.temperature ? repairImages(context, dataFolder(context), "least-squares").read : undefined;
  return { repair, temper };
}

/** What `bn-reset` has no use for. */
const NOTHING = { at: undefined, addBias: undefined, ridge: undefined, temperature: undefined };

function settingsOf(context: Repairing, kind: RepairKind): RepairSettings {
  if (kind === "bn-reset") return { kind };
  const places = placesOption(context);
  if (kind !== "least-squares") return { kind, ...places };
  const { ridge, temperature } = context.options;
  return { kind, addBias: places.addBias, ridge, temperature };
}

function sayNeed({ say }: Pick<CommandContext, "say">): NonNullable<RepairOptions["onNeed"]> {
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

/** The training images of `folder`: `--limit` is for what matching looks at. */
export function repairImages(
  context: CommandContext<RepairingValues & DataSourceValues>,
  folder: string,
  kind?: RepairKind,
): RepairImages {
  const { options } = context;
  const count = options["repair-images"] ?? (kind === "least-squares" ? LEAST_SQUARES_IMAGES : REPAIR_IMAGES);
  const all = { ...context, options: { ...options, limit: undefined } };
  let split: Promise<Dataset> | undefined;
  const readAll = (): Promise<Dataset> => (split ??= readSplit(all, "train", folder));
  return {
    read: async () => firstImages(await readAll(), count),
    async check(models) {
      if (options["force-repair"]) return;
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
