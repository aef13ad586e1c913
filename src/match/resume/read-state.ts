/** Reads what `write-state.ts` has written, and refuses everything else. */

import { asFloat32, asFloat64, asInt32 } from "../../base/aligned.ts";
import { FormatError } from "../../base/errors.ts";
import { elementCount, type Model } from "../../base/model.ts";
import { checkPermutation } from "../../perm/permutation.ts";
import type { PhaseState } from "../costs/keeper.ts";
import type { Outline } from "../costs/problem.ts";
import type { Workspace } from "../costs/workspace.ts";
import { type History, listBehind } from "./history.ts";
import { differenceOf, type RunRecord } from "./run-record.ts";
import { DIGEST, digestOfState, type Kept, KIND, KIND_KEY, RUN_KEY } from "./write-state.ts";

/** What an earlier run has kept. */
export interface Earlier extends Kept {
  /** Puts the running matrices in place, one after the other. */
  loadRunning(workspace: Workspace): Promise<void>;
}

/** Rejects with `RangeError` for the checkpoint of another run, with `FormatError` for what is none, or damaged. */
export async function readState(
  model: Model,
  record: RunRecord,
  outline: Outline,
  signal: AbortSignal | undefined,
): Promise<Earlier> {
  const { name, metadata } = model;
  if (metadata.get(KIND_KEY) !== KIND)
    throw new FormatError(`${name} is no checkpoint of a matching, expected one, or a file that is not there yet`);
  const damaged = `${name} is damaged, expected a whole checkpoint: remove it to begin anew`;
  const state = reader(model, damaged, signal);
  const text = new TextDecoder().decode(await state.bytes(DIGEST));
  if (text !== (await digestOfState(model, signal))) throw new FormatError(damaged);
  const other = differenceOf(record, JSON.parse(metadata.get(RUN_KEY) ?? "[]") as RunRecord);
  if (other !== undefined)
    throw new RangeError(
      `${name} is of another run, which differs in ${other}, expected the models and options it was made with`,
    );
  try {
    return await unpack(state, outline);
  } catch (cause) {
    if (signal?.aborted || !(cause instanceof RangeError)) throw cause;
    throw new FormatError(damaged, { cause });
  }
}

type Reader = ReturnType<typeof reader>;

function reader(model: Model, damaged: string, signal: AbortSignal | undefined) {
  const bytes = async (tensor: string): Promise<Uint8Array> => {
    if (!model.tensors.has(tensor)) throw new FormatError(damaged);
    return model.read(tensor, signal);
  };
  return {
    bytes,
    names: [...model.tensors.keys()],
    sizeOf: (tensor: string) => elementCount(model.tensors.get(tensor)?.shape ?? [0]),
    ints: async (tensor: string) => asInt32((await bytes(tensor)).slice()),
    doubles: async (tensor: string) => asFloat64((await bytes(tensor)).slice()),
    floats: async (tensor: string) => asFloat32(await bytes(tensor)),
  };
}

async function unpack(state: Reader, outline: Outline): Promise<Earlier> {
  const { permutations } = outline;
  const numbers = state.names.map((name) => Number(/^phase\.(\d+)\.numbers$/.exec(name)?.[1] ?? -1));
  const phases: (PhaseState | undefined)[] = new Array(Math.max(...numbers) + 1).fill(undefined);
  for (const k of numbers.filter((each) => each >= 0)) phases[k] = await unpackPhase(state, k, outline);
  const solved = await state.ints("solved");
  const values = await state.doubles("duals");
  const duals = new Map<number, Float64Array>();
  let at = 0;
  for (const root of solved) {
    const end = at + sized(permutations[root]?.size);
    duals.set(root, values.slice(at, end));
    at = end;
  }
  const [draws] = await state.doubles("draws");
  return {
    ...{ phases, duals, draws: draws!, history: await unpackHistory(state, outline) },
    async loadRunning({ running }) {
      for (const [p, side] of outline.sides.entries()) {
        if (state.sizeOf(`running.${p}`) !== side ** 2) throw new RangeError(`running ${p}, expected a matrix`);
        const matrix = await state.floats(`running.${p}`);
        await running.load(p, "replace");
        running.set(p, matrix);
      }
    },
  };
}

async function unpackPhase(state: Reader, k: number, { permutations, groups }: Outline): Promise<PhaseState> {
  const whole = await state.ints(`phase.${k}.orders`);
  const orders = whole.length === 0 ? [] : cut(whole, permutations.keys(), permutations);
  const hasStale = state.names.includes(`phase.${k}.stale`);
  const stale = hasStale ? (await state.bytes(`phase.${k}.stale`)).slice() : undefined;
  if (stale !== undefined && stale.length !== groups.length) throw new RangeError("stale, expected one a group");
  return { numbers: [...(await state.doubles(`phase.${k}.numbers`))], orders, stale };
}

async function unpackHistory(state: Reader, outline: Outline): Promise<History> {
  const { permutations } = outline;
  const behind = listBehind(outline);
  const [counts, places, pool] = [
    await state.ints("history.counts"),
    await state.ints("history.places"),
    await state.ints("history.pool"),
  ];
  if (counts.length > permutations.length) throw new RangeError("history, expected one of each permutation");
  const orders = new Map<number, Int32Array>();
  let next = 0;
  const take = (q: number): Int32Array => {
    const place = sized(places[next++]);
    const order = orders.get(place) ?? pool.slice(place, place + permutations[q]!.size);
    checkPermutation(permutations[q]!.name, order, permutations[q]!.size);
    orders.set(place, order);
    return order;
  };
  return Array.from(counts, (count, p) => Array.from({ length: count }, () => behind[p]!.map(take)));
}

/** The orders of those permutations, one after the other. */
function cut(whole: Int32Array, numbers: Iterable<number>, permutations: Outline["permutations"]): Int32Array[] {
  let at = 0;
  return [...numbers].map((p) => {
    const { name, size } = permutations[p]!;
    const order = whole.slice(at, at + size);
    checkPermutation(name, order, size);
    at += size;
    return order;
  });
}

function sized(value: number | undefined): number {
  if (value === undefined || value < 0) throw new RangeError(`size ${value}, expected a number from 0`);
  return value;
}
