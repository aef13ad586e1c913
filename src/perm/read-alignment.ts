/** Reading permutation files: loaded with the first of them. */

import { parseSpecAt, specFingerprint } from "../axes/spec-file.ts";
import { asInt32 } from "../base/aligned.ts";
import { describe } from "../base/describe.ts";
import { FormatError } from "../base/errors.ts";
import type { Model } from "../base/model.ts";
import { KIND, type SavedAlignment, VERSION } from "./alignment.ts";
import { checkPermutation } from "./permutation.ts";

/** `readPermutations`. */
export async function readAlignment(model: Model, signal: AbortSignal | undefined): Promise<SavedAlignment> {
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
