/** A plan's repair of merges: which images it looks at, and what it does with them. */

import type { Model } from "../base/model.ts";
import type { Dataset } from "../data/dataset.ts";
import { firstImages } from "../data/select.ts";
import { applyPermutations } from "../perm/apply-permutations.ts";
import type { AlignedPair } from "../perm/pair.ts";
import type { RepairOptions } from "../repair/options.ts";
import type { RepairAt } from "../repair/places.ts";
import type { PairRepair } from "../repair/repair-model.ts";
import type { RepairedModel, RepairKind } from "../repair/report.ts";
import { graphOf } from "../run/models/model-graph.ts";
import type { PlanData, PlanRepair } from "./merge-plan.ts";
import type { PlanSetting } from "./plan-host.ts";

/** As in the figures of the paper's repositories: more images change little. */
export const REPAIR_IMAGES = 10_000;
/** Least squares has what it needs earlier. */
export const LEAST_SQUARES_IMAGES = 500;
/** Images on which A and B must do better than guessing. */
const CHECKED_IMAGES = 500;
/** From how many bytes on the need of memory is worth a line. */
const MUCH_MEMORY = 100e6;

/** Everything that decides what a repair does, but the images: for reports, and to distinguish runs. */
export interface PlannedRepairSettings extends Pick<RepairOptions, "addBias" | "ridge" | "temperature"> {
  readonly kind: RepairKind;
  /** Of `repair`, `rescale` and `reshift`. */
  readonly at?: RepairAt | undefined;
}

/** A repair as a plan states it. */
export interface PlannedRepair {
  readonly settings: PlannedRepairSettings;
  /** The training images it looks at, read once. */
  images(): Promise<Dataset>;
  /** The same, where the models do better than guessing on some of them, or that does not matter. */
  imagesFor(models: readonly Model[]): Promise<Dataset>;
  /** What repairs merges of a pair. */
  of(pair: AlignedPair): Promise<PairRepair>;
  /** Repairs the merge of aligned models, in equal shares. */
  ofMean(merged: Model, parents: readonly Model[]): Promise<RepairedModel>;
  /** What repairs midpoints before starts are compared: `bn-reset` where there is BatchNorm, else nothing. */
  ofStarts(pair: AlignedPair): Promise<PairRepair | undefined>;
}

/** What `bn-reset` has no use for. */
const NOTHING = { at: undefined, addBias: undefined, ridge: undefined, temperature: undefined };

/** The repair that a plan states; undefined without one, and for `per-task`, which leaves the merge as it is. */
export function plannedRepair(setting: PlanSetting): PlannedRepair | undefined {
  const { repair, data } = setting.plan;
  if (repair === undefined || repair.kind === "per-task") return undefined;
  const { signal, onProgress, executor } = setting.run;
  const settings = settingsOf(repair.kind, repair);
  const { read, check } = repairImages(setting, data!, repair);
  let images: Promise<Dataset> | undefined;
  const readOnce = (): Promise<Dataset> => (images ??= read());
  const options = { ...settings, signal, onProgress, executor, onNeed: noteNeed(setting) };
  const imagesFor = async (models: readonly Model[]): Promise<Dataset> => {
    await check(models);
    return readOnce();
  };
  const ofPair = async ({ a, b, spec, permutations }: AlignedPair, given: typeof options): Promise<PairRepair> => {
    const { pairRepair } = await import("../repair/repair-model.ts");
    const found = await imagesFor([a, b]);
    return pairRepair(a, await applyPermutations(b, spec, permutations), found, given);
  };
  return {
    settings,
    images: readOnce,
    imagesFor,
    of: (pair) => ofPair(pair, options),
    async ofMean(merged, parents) {
      const { repairModel } = await import("../repair/repair-model.ts");
      return repairModel(merged, parents, await imagesFor(parents), options);
    },
    async ofStarts(pair) {
      const { operations } = await graphOf(pair.a);
      if (!operations.some((operation) => operation.kind.op === "batch-norm")) return undefined;
      return ofPair(pair, { ...options, ...NOTHING, kind: "bn-reset" });
    },
  };
}

function settingsOf(kind: RepairKind, { at, addBias = false, ridge, temperature }: PlanRepair): PlannedRepairSettings {
  if (kind === "bn-reset") return { kind };
  return kind === "least-squares" ? { kind, addBias, ridge, temperature } : { kind, at, addBias };
}

function noteNeed({ run }: PlanSetting): NonNullable<RepairOptions["onNeed"]> {
  return ({ value, bytes }) => {
    if (bytes >= MUCH_MEMORY) run.onNote?.(`least squares takes ${Math.ceil(bytes / 1e6)} MB for ${value}`);
  };
}

/** Images for a repair. */
export interface RepairSource {
  /** The images that the repair looks at. */
  read(): Promise<Dataset>;
  /** Throws `RangeError` where one of the models does no better than guessing on some of them, unless that is allowed. */
  check(models: readonly Model[]): Promise<void>;
}

/** What to do where models guess, in words of a plan: the command line puts its own in their place. */
const GUESSING_ADVICE = "data.inputSize, data.scale; repair.allowGuessing repairs all the same";

/** The training images of `data`: the plan's own number, else as many as the kind needs. */
export function repairImages(
  { host, run }: PlanSetting,
  source: PlanData,
  { kind, images, allowGuessing }: Pick<PlanRepair, "kind" | "images" | "allowGuessing">,
): RepairSource {
  const count = images ?? (kind === "least-squares" ? LEAST_SQUARES_IMAGES : REPAIR_IMAGES);
  let split: Promise<Dataset> | undefined;
  const readAll = (): Promise<Dataset> => (split ??= host.readImages(source, "train"));
  return {
    read: async () => firstImages(await readAll(), count),
    async check(models) {
      if (allowGuessing) return;
      const { findGuessing } = await import("../repair/check-parents.ts");
      const data = firstImages(await readAll(), CHECKED_IMAGES);
      const found = await findGuessing(models, data, { signal: run.signal });
      if (found === undefined) return;
      const [right, chance] = [found.accuracy, found.chance].map((share) => `${(100 * share).toFixed(1)} %`);
      throw new RangeError(
        `${found.model} gets ${right} of ${data.count} images of ${data.name} right, and guessing ${chance}: expected a network trained on them (${GUESSING_ADVICE})`,
      );
    },
  };
}
