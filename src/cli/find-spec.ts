/** The spec of a model, or why there is none: `inspect` and `compare` also work on networks that are not known. */

import type { Spec } from "../axes/types.ts";
import { SpecError } from "../base/errors.ts";
import type { Model } from "../base/model.ts";
import type { CommandContext } from "./command.ts";
import { type InputValues, type SpecValues, specOption } from "./models.ts";

export interface FoundSpec {
  readonly spec: Spec | null;
  readonly family: string | null;
  readonly why: string;
}

/** The spec, or why there is none: a model of no known family can still be looked at. */
export async function findSpec(
  context: CommandContext<SpecValues & Partial<InputValues>>,
  model: Model,
): Promise<FoundSpec> {
  try {
    const { spec, name } = await specOption(context, model);
    return { spec, family: spec.family ?? null, why: spec.why ?? `the spec ${name}` };
  } catch (error) {
    const isGiven = context.options.spec !== "auto" || context.options.graph !== undefined;
    if (!(error instanceof SpecError) || isGiven) throw error;
    return { spec: null, family: null, why: error.message };
  }
}
