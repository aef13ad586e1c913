/** What both kinds of adapter files are read as. */

import { listFirst } from "../../base/compare-tensors.ts";
import { SpecError } from "../../base/errors.ts";
import type { Model } from "../../base/model.ts";

/** Two factors of one tensor of the base. */
export interface LowRank {
  /** The tensor of the base. */
  readonly target: string;
  /** Names in the adapter: A of [rank, inputs …], B of [outputs, rank]. */
  readonly a: string;
  readonly b: string;
  readonly rank: number;
  /** The factor of B·A, where no tensor has it. */
  readonly scale: number;
  /** The tensor that holds α: the scale is α/rank. */
  readonly alpha?: string | undefined;
  /** The base has [inputs, outputs]. */
  readonly isTurned: boolean;
}

/** An adapter by the names of the base's tensors. */
export interface Parts {
  readonly pairs: ReadonlyMap<string, LowRank>;
  /** Tensors that are saved whole: their names in the adapter. */
  readonly whole: ReadonlyMap<string, string>;
}

const LOW_RANK = /\.(lora_A|lora_B|lora_down|lora_up)\.|\.lora_embedding_[AB]/;

/** True for the name of a factor. */
export const isLowRank = (name: string): boolean => LOW_RANK.test(name);

/** The factor of another kind beside `name`. Throws `SpecError` where it is missing. */
export function partnerOf(adapter: Model, name: string, partner: string): string {
  if (adapter.tensors.has(partner)) return partner;
  throw new SpecError(`${adapter.name} has ${name} and no ${partner}, expected both factors`);
}

/** The size of the thin axis. Throws `SpecError` for a factor that has none. */
export function rankOf(adapter: Model, a: string): number {
  const [rank, ...inputs] = adapter.tensors.get(a)!.shape;
  if (rank === undefined || rank === 0 || inputs.length === 0)
    throw new SpecError(
      `${adapter.name}: ${a} is ${JSON.stringify(adapter.tensors.get(a)!.shape)}, expected [rank, inputs]`,
    );
  return rank;
}

/** `SpecError` for modules that the base does not have. */
export function strangers(adapter: Model, base: Model, modules: readonly string[]): SpecError {
  const known = listFirst([...base.tensors.keys()], 2);
  return new SpecError(
    `${adapter.name} changes ${listFirst([...modules], 3)}, expected modules of ${base.name}, which has ${known}`,
  );
}
