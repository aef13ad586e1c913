/**
 * Permutation files: safetensors with one I32 tensor per permutation under its name; metadata `rebasin.spec` (the
 * whole spec as canonical JSON) and `rebasin.fingerprint` (its SHA-256), so that applying needs no spec; and
 * `rebasin.kind`, which files of version 0.1 lack.
 */

import { formatSpec, parseSpecAt, specFingerprint } from "../axes/spec-file.ts";
import type { Spec } from "../axes/types.ts";
import { asInt32 } from "../base/aligned.ts";
import { describe } from "../base/describe.ts";
import { FormatError } from "../base/errors.ts";
import { memoryModel } from "../base/memory-model.ts";
import type { Model, TensorInfo } from "../base/model.ts";
import { sha256Hex } from "../base/sha256.ts";
import { encodeSafetensors } from "../formats/safetensors/write-safetensors.ts";
import { type Alignment, alignmentOf, type Permutations } from "./alignment.ts";
import { type Pair, specOf } from "./pair.ts";
import { checkPermutation } from "./permutation.ts";

/** What the metadata says that such a file is, and of which form. */
const [KIND, VERSION] = ["alignment", "1"];

/** What a permutation file holds. */
export interface SavedAlignment {
  readonly spec: Spec;
  readonly alignment: Alignment;
  /** Those of `alignment`. */
  readonly permutations: Map<string, Int32Array>;
}

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
 * What a permutation file says.
 *
 * @throws {FormatError} naming the file for anything but such a file, and for one of a later version.
 */
export async function readPermutations(model: Model, signal?: AbortSignal): Promise<SavedAlignment> {
  checkKind(model);
  const text = model.metadata.get("rebasin.spec");
  if (text === undefined)
    throw new FormatError(`${model.name} has no metadata rebasin.spec, expected a file of permutations`);
  const spec = parseSpecAt(text, `${model.name} metadata rebasin.spec`);
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
  return { spec, alignment: { permutations }, permutations };
}

/** Files of version 0.1 have no kind. */
function checkKind({ name, metadata }: Model): void {
  const kind = metadata.get("rebasin.kind") ?? KIND;
  if (kind !== KIND) throw new FormatError(`${name} metadata rebasin.kind is ${describe(kind)}, expected ${KIND}`);
  const version = metadata.get("rebasin.kind-version") ?? VERSION;
  if (version !== VERSION)
    throw new FormatError(
      `${name} is an alignment of version ${describe(version)}, expected ${VERSION} (a later rebasin has written it)`,
    );
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
