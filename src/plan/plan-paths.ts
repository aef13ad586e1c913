/** The paths in a plan: which there are, and what is derived from them. */

import { FormatError } from "../base/errors.ts";
import type { MergePlan, PlanModel } from "./merge-plan.ts";
import type { KeyPath } from "./shape.ts";

/** Every model that a plan names, and where: those that are merged, their own bases, and the base. */
export function planModels({ models, base }: Pick<MergePlan, "models" | "base">): [PlanModel, KeyPath][] {
  const found: [PlanModel, KeyPath][] = models.map((model, i) => [model, ["models", i]]);
  for (const [i, model] of models.entries())
    if (model.base !== undefined) found.push([model.base, ["models", i, "base"]]);
  if (base !== undefined) found.push([base, ["base"]]);
  return found;
}

/** The plan with another word for each of its models. */
export function withModels(plan: MergePlan, change: (model: PlanModel) => PlanModel): MergePlan {
  const models = plan.models.map((model) => ({ ...model, ...change(model), base: model.base && change(model.base) }));
  return { ...plan, models, base: plan.base && change(plan.base) };
}

/** The paths of all that a plan reads, each once. */
export function planInputs({ models, base, spec, data, align, repair }: MergePlan): string[] {
  const paths = [
    ...planModels({ models, base }).map(([{ path }]) => path),
    typeof spec === "string" && isSpecPath(spec) ? spec : undefined,
    align.permutations,
    data?.path,
    repair?.dataB?.path,
  ];
  return [...new Set(paths.filter((path) => path !== undefined))];
}

/** Whether `spec` of a plan is a path: families have no dot. */
export const isSpecPath = (spec: string): boolean => spec.endsWith(".json") || isGraphPath(spec);

/** True for a spec that is the path of a network's graph, which its spec comes from. */
export const isGraphPath = (spec: string): boolean => spec.endsWith(".onnx");

/** What the end of an output's path decides: `.safetensors`, `/` or nothing, in lower case. */
export const endingOf = (path: string): string => /(\.[^./\\]*|[/\\])?$/.exec(path)![0].toLowerCase();

/** Where the side files of a merge go: of A, of B. */
export function taskFiles(output: string): readonly [string, string] {
  const stem = output.replace(/\.safetensors$/, "");
  return [`${stem}.task-a.safetensors`, `${stem}.task-b.safetensors`];
}

/** Throws `FormatError` where a model's content is not that of the digest it is named with. */
export function checkDigest({ path, sha256 }: PlanModel, found: string): void {
  if (sha256 !== undefined && sha256 !== found)
    throw new FormatError(`${path} has SHA-256 ${found}, expected ${sha256}: another file than the plan was made for`);
}
