/**
 * Permutation files: safetensors with one I32 tensor per permutation under its name. The metadata `rebasin.spec` (the
 * whole spec as canonical JSON) and `rebasin.fingerprint` (its SHA-256) make a spec needless for applying. Files of
 * version 0.1 lack `rebasin.kind`.
 */

import { formatSpec, specFingerprint } from "../axes/spec-file.ts";
import type { Spec } from "../axes/types.ts";
import { memoryModel } from "../base/memory-model.ts";
import type { Model, TensorInfo } from "../base/model.ts";
import { sha256Hex } from "../base/sha256.ts";
import { encodeSafetensors } from "../formats/safetensors/write-safetensors.ts";
import { type Alignment, alignmentOf, KIND, type Permutations, type SavedAlignment, VERSION } from "./alignment.ts";
import { type Pair, specOf } from "./pair.ts";

/**
 * The alignment as a model of I32 tensors, in the order of the map, to be written like any other.
 *
 * @throws {SpecError} for a spec of the reference form that is not bound to a model.
 *
 * @example
 * await writeSafetensors(await permutationsModel(spec, permutations), sink);
 */
export async function permutationsModel(spec: Spec | Pair, alignment: Alignment | Permutations): Promise<Model> {
  const metadata = new Map([
    ["rebasin.fingerprint", await specFingerprint(specOf(spec))],
    ["rebasin.kind", KIND],
    ["rebasin.kind-version", VERSION],
    ["rebasin.spec", formatSpec(specOf(spec))],
  ]);
  return memoryModel(int32Tensors(alignmentOf(alignment).permutations), { name: "permutations", metadata });
}

/**
 * The content of a permutation file.
 *
 * @throws {FormatError} naming the file for anything but such a file, and for one of a later version.
 */
export async function readPermutations(model: Model, signal?: AbortSignal): Promise<SavedAlignment> {
  return (await import("./read-alignment.ts")).readAlignment(model, signal);
}

/** Lower-case hex SHA-256 over names and entries, independent of the map's order; identities included. */
export async function permutationsFingerprint(alignment: Alignment | Permutations): Promise<string> {
  const sorted = new Map([...alignmentOf(alignment).permutations].sort(([x], [y]) => (x < y ? -1 : 1)));
  return sha256Hex(await encodeSafetensors(memoryModel(int32Tensors(sorted))));
}

function int32Tensors(permutations: Permutations): Map<string, TensorInfo & { data: Uint8Array }> {
  return new Map(
    [...permutations].map(([name, order]) => [
      name,
      { dtype: "I32", shape: [order.length], data: new Uint8Array(order.buffer, order.byteOffset, order.byteLength) },
    ]),
  );
}
