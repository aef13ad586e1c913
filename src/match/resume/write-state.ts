/**
 * What is kept, as a model: safetensors can hold it. Tensors: `phase.K.numbers`, `.orders`, `.stale`; `draws`; `solved`
 * and `duals`; `history.counts`, `.places`, `.pool`; `running.P`; `digest` of all the others.
 */

import type { Dtype } from "../../base/dtype.ts";
import { type Model, readPart, type TensorInfo } from "../../base/model.ts";
import { modelDigest } from "../../base/model-digest.ts";
import { sha256Hex } from "../../base/sha256.ts";
import { samePermutation } from "../../perm/permutation.ts";
import type { PhaseState } from "../costs/keeper.ts";
import type { Matrices } from "../costs/matrices.ts";
import type { Workspace } from "../costs/workspace.ts";
import type { History } from "./history.ts";
import type { RunRecord } from "./run-record.ts";

/** Keys of the metadata: what it is, and of which run. */
export const KIND_KEY = "rebasin.checkpoint";
export const RUN_KEY = "rebasin.run";
export const KIND = "rebasin-matching/1";
export const DIGEST = "digest";

/** All that a run needs to resume, but for running matrices. */
export interface Kept {
  readonly phases: readonly (PhaseState | undefined)[];
  /** Random numbers drawn. */
  readonly draws: number;
  /** Column duals by root. */
  readonly duals: ReadonlyMap<number, Float64Array>;
  readonly history: History;
}

/** A tensor, and how some of its bytes are read. */
interface Lazy {
  readonly info: TensorInfo;
  read(begin: number, end: number): Promise<Uint8Array>;
}

/** Reads `running` from the workspace's memory, some bytes at a time; the rest is copied already. */
export function keptModel(
  kept: Kept,
  record: RunRecord,
  workspace: Workspace,
  behind: readonly (readonly number[])[],
  running: Matrices | undefined,
): Model {
  const tensors = new Map<string, Lazy>();
  const add = (name: string, dtype: Dtype, values: Int32Array | Float64Array | Uint8Array): void => {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    const info = { dtype, shape: [values.length] };
    tensors.set(name, { info, read: async (begin, end) => bytes.subarray(begin, end) });
  };
  for (const [k, phase] of kept.phases.entries()) {
    if (phase === undefined) continue;
    add(`phase.${k}.numbers`, "F64", Float64Array.from(phase.numbers));
    add(`phase.${k}.orders`, "I32", joined(phase.orders));
    if (phase.stale !== undefined) add(`phase.${k}.stale`, "U8", phase.stale);
  }
  add("draws", "F64", Float64Array.of(kept.draws));
  add("solved", "I32", Int32Array.from(kept.duals.keys()));
  add("duals", "F64", Float64Array.from([...kept.duals.values()].flatMap((values) => [...values])));
  const { counts, places, pool } = packHistory(kept.history, behind);
  add("history.counts", "I32", counts);
  add("history.places", "I32", places);
  add("history.pool", "I32", pool);
  if (running !== undefined) addRunning(tensors, workspace, running);
  const metadata = new Map([
    [KIND_KEY, KIND],
    [RUN_KEY, JSON.stringify(record)],
  ]);
  return withDigest(lazyModel(tensors, metadata));
}

function addRunning(tensors: Map<string, Lazy>, { kernels, problem }: Workspace, running: Matrices): void {
  for (const [p, side] of problem.sides.entries())
    tensors.set(`running.${p}`, {
      info: { dtype: "F32", shape: [side, side] },
      async read(begin, end) {
        await running.load(p, "read");
        return kernels.u8(running.pointers[p]! + begin, end - begin).slice();
      },
    });
}

function lazyModel(tensors: ReadonlyMap<string, Lazy>, metadata: ReadonlyMap<string, string>): Model {
  const infos = new Map([...tensors].map(([name, { info }]) => [name, info]));
  const name = "checkpoint";
  return {
    ...{ name, metadata, tensors: infos },
    async read(tensor, signal, _into, part) {
      signal?.throwIfAborted();
      const lazy = tensors.get(tensor);
      if (lazy === undefined) throw new RangeError(`${name} has no tensor ${tensor}, expected one of its names`);
      const { dtype, shape } = lazy.info;
      const bytes = (dtype === "U8" ? 1 : dtype === "F64" ? 8 : 4) * shape.reduce((x, y) => x * y, 1);
      return lazy.read(...(part ?? ([0, bytes] as const)));
    },
  };
}

/** With the digest of all tensors and metadata as its last tensor, which is computed when it is read. */
function withDigest(model: Model): Model {
  const info: TensorInfo = { dtype: "U8", shape: [64] };
  return {
    ...model,
    tensors: new Map([...model.tensors, [DIGEST, info]]),
    async read(tensor, signal, into, part) {
      if (tensor !== DIGEST) return model.read(tensor, signal, into, part);
      return new TextEncoder().encode(await digestOfState(model, signal)).subarray(...(part ?? [0]));
    },
  };
}

/** Of all tensors but the digest, and the metadata. */
export async function digestOfState(model: Model, signal?: AbortSignal): Promise<string> {
  const tensors = new Map([...model.tensors].filter(([name]) => name !== DIGEST));
  const words = JSON.stringify([model.metadata.get(KIND_KEY), model.metadata.get(RUN_KEY)]);
  const read: Model["read"] = (name, ...how) =>
    how[2] === undefined ? model.read(name, ...how) : readPart(model, name, how[2], tensors.get(name)!, how[0], how[1]);
  const digest = await modelDigest({ ...model, tensors, read }, signal);
  return sha256Hex(new TextEncoder().encode(`${words}\n${digest}`));
}

function joined(orders: readonly Int32Array[]): Int32Array {
  const whole = new Int32Array(orders.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const order of orders) {
    whole.set(order, at);
    at += order.length;
  }
  return whole;
}

/** Snapshots of each permutation, their orders as places in a pool that has each order of a permutation once. */
function packHistory(
  history: History,
  behind: readonly (readonly number[])[],
): { counts: Int32Array; places: Int32Array; pool: Int32Array } {
  const pool: Int32Array[] = [];
  const known = new Map<number, Map<Int32Array, number>>();
  const places: number[] = [];
  let end = 0;
  const placeOf = (q: number, order: Int32Array): number => {
    const own = known.get(q) ?? new Map<Int32Array, number>();
    known.set(q, own);
    const place = own.get(order) ?? [...own].find(([each]) => samePermutation(each, order))?.[1] ?? end;
    own.set(order, place);
    if (place === end) {
      pool.push(order);
      end += order.length;
    }
    return place;
  };
  for (const [p, snapshots] of history.entries())
    for (const snapshot of snapshots)
      for (const [at, q] of behind[p]!.entries()) places.push(placeOf(q, snapshot[at]!));
  const counts = Int32Array.from(history, (snapshots) => snapshots.length);
  return { counts, places: Int32Array.from(places), pool: joined(pool) };
}
