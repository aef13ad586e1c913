/** RegMean in a plan: Gram matrices of what layers read, from training images. */

import type { Model } from "../base/model.ts";
import type { BlendModelsOptions } from "../merge/blend-models.ts";
import type { PlanSetting } from "./plan-host.ts";

/** More change little: it is a layer's inputs that are counted, one a position. */
const IMAGES = 1000;

/** What `blendModels` asks for, of aligned models; undefined for blends that need none. */
export async function gramsByPlan(
  { plan, host, run }: PlanSetting,
  parts: readonly Model[],
): Promise<BlendModelsOptions["grams"]> {
  if (plan.blend?.method !== "regmean") return undefined;
  const { inputGrams } = await import("../repair/input-grams.ts");
  const images = await host.readImages(plan.data!, "train", IMAGES);
  const { signal, onProgress, executor } = run;
  const grams: Map<string, Float64Array>[] = [];
  for (const model of parts) grams.push(await inputGrams(model, images, { signal, onProgress, executor }));
  return async (tensor, i) => grams[i]!.get(tensor);
}
