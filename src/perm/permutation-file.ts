/**
 * Permutation files: safetensors with one I32 tensor per permutation under its name; metadata `rebasin.spec` (the
 * whole spec as canonical JSON) and `rebasin.fingerprint` (its SHA-256), so that applying needs no spec.
 */

import { formatSpec, parseSpec, specFingerprint } from "../axes/spec-file.ts";
import type { Spec } from "../axes/types.ts";
import { asInt32 } from "../base/aligned.ts";
import { FormatError } from "../base/errors.ts";
import { memoryModel } from "../base/memory-model.ts";
import type { Model, TensorInfo } from "../base/model.ts";
import { sha256Hex } from "../base/sha256.ts";
import { encodeSafetensors } from "../formats/safetensors/write-safetensors.ts";
import { checkPermutation } from "./permutation.ts";

/** The permutations as a model of I32 tensors, in the order of the map, to be written like any other. */
export async function permutationsModel(spec: Spec, permutations: ReadonlyMap<string, Int32Array>): Promise<Model> {
  const metadata = new Map([
    ["rebasin.fingerprint", await specFingerprint(spec)],
    ["rebasin.spec", formatSpec(spec)],
  ]);
  return memoryModel(int32Tensors(permutations), { name: "permutations", metadata });
}

/** What a permutation file says. Throws `FormatError` naming the file for anything but such a file. */
export async function readPermutations(
  model: Model,
  signal?: AbortSignal,
): Promise<{ spec: Spec; permutations: Map<string, Int32Array> }> {
  const text = model.metadata.get("rebasin.spec");
  if (text === undefined)
    throw new FormatError(`${model.name} has no metadata rebasin.spec, expected a file of permutations`);
  const spec = parseSpec(text, `${model.name} metadata rebasin.spec`);
  const fingerprint = await specFingerprint(spec);
  const claimed = model.metadata.get("rebasin.fingerprint");
  if (claimed !== fingerprint) {
    throw new FormatError(
      `${model.name} has fingerprint ${claimed ?? "(none)"}, expected ${fingerprint} for the spec it holds`,
    );
  }
  const permutations = new Map<string, Int32Array>();
  for (const [name, { dtype, shape }] of model.tensors) {
    if (dtype !== "I32" || shape.length !== 1) {
      throw new FormatError(`${model.name}: ${name} is ${dtype} [${shape.join(", ")}], expected I32 of one axis`);
    }
    const order = asInt32(await model.read(name, signal)).slice();
    try {
      checkPermutation(name, order, order.length);
    } catch (error) {
      throw new FormatError(`${model.name}: ${(error as Error).message}`);
    }
    permutations.set(name, order);
  }
  return { spec, permutations };
}

/** Lower-case hex SHA-256 over names and entries, independent of the map's order; identities included. */
export async function permutationsFingerprint(permutations: ReadonlyMap<string, Int32Array>): Promise<string> {
  const sorted = new Map([...permutations].sort(([x], [y]) => (x < y ? -1 : 1)));
  return sha256Hex(await encodeSafetensors(memoryModel(int32Tensors(sorted))));
}

function int32Tensors(permutations: ReadonlyMap<string, Int32Array>): Map<string, TensorInfo & { data: Uint8Array }> {
  return new Map(
    [...permutations].map(([name, order]) => [
      name,
      { dtype: "I32", shape: [order.length], data: new Uint8Array(order.buffer, order.byteOffset, order.byteLength) },
    ]),
  );
}
