/** The pair that a worker works on: opened from files, of which only what is asked for is read. */

import { openModel } from "../io/open-model.ts";
import { blobSource } from "../io/source.ts";
import { chooseSpec } from "../rebasin.ts";
import { compareTensors, describeDifferences } from "../spec/compare.ts";
import { fitSpec, resolveSpec } from "../spec/resolve.ts";
import { parseSpec } from "../spec/spec-file.ts";
import { log10Symmetries } from "../spec/symmetries.ts";
import type { ResolvedSpec, Spec } from "../spec/types.ts";
import type { Model } from "../tensor.ts";
import { elementCount } from "../tensor.ts";
import type { ModelSummary, NamedBlob, PairRequest, PairSummary, SpecChoice } from "./calls.ts";

export interface Session {
  readonly a: Model;
  readonly b: Model;
  /** As chosen; the report names it so. */
  readonly spec: Spec;
  readonly specName: string;
  readonly resolved: ResolvedSpec;
}

/** Only the header is read. Rejects as `openModel` does. */
export function openBlob({ name, blob }: NamedBlob, signal?: AbortSignal): Promise<Model> {
  return openModel(blobSource(blob, name), signal ? { signal } : {});
}

/** Opens both files and fits the spec to them. Throws what the library throws for files or a spec that do not fit. */
export async function openSession({ a, b, spec: choice }: PairRequest): Promise<Session> {
  const [modelA, modelB] = [await openBlob(a), await openBlob(b)];
  const reasons = compareTensors(modelA.tensors, modelB.tensors);
  if (reasons.length > 0) {
    const message = `${a.name} and ${b.name} cannot be merged: ${describeDifferences(reasons)}`;
    throw Object.assign(new Error(message), { name: "SpecError" });
  }
  const { spec, name } = specOf(choice, modelA);
  const resolved = resolveSpec(spec, modelA.tensors);
  return { a: modelA, b: modelB, spec, specName: name, resolved };
}

function specOf(choice: SpecChoice, model: Model): { spec: Spec; name: string } {
  if (typeof choice !== "string") return { spec: parseSpec(choice.text, choice.name), name: choice.name };
  const spec = chooseSpec(choice, model);
  return { spec, name: spec.family ?? choice };
}

/** What the page shows of one file. */
export function summariseModel(model: Model, bytes: number): ModelSummary {
  const infos = [...model.tensors.values()];
  return {
    tensors: infos.length,
    elements: infos.reduce((sum, { shape }) => sum + elementCount(shape), 0),
    bytes,
    dtypes: [...new Set(infos.map(({ dtype }) => dtype))],
  };
}

/** What the page shows of a pair. */
export function summarisePair({ spec, specName, resolved }: Session): PairSummary {
  return {
    spec: specName,
    why: spec.why ?? "",
    groups: resolved.permutations.map(({ name, size, tensors }) => ({ name, size, tensors })),
    log10Symmetries: log10Symmetries(resolved),
    frozen: spec.frozen ?? [],
  };
}

/** The spec bound to the pair's tensors, as permutation files carry it. */
export function fittedSpec({ spec, a }: Session): Spec {
  return fitSpec(spec, a.tensors);
}
