/** What a model holds, as one digest: names, dtypes, shapes and bytes of its tensors, in any container. */

import type { Model } from "../base/model.ts";
import { sha256Hex } from "../base/sha256.ts";

/** Bytes hashed at once: engines hash one piece while the next is read. */
const PIECE = 2 ** 26;

/**
 * Lower-case hexadecimal SHA-256 of a model's tensors, in order: the digest of the lines
 * `["name","dtype",[shape],[pieces]]`, where `pieces` are the digests of the tensor's bytes, 64 MiB at a time. The same
 * weights in another container give the same.
 *
 * @throws {FormatError} as the model's `read` does, and the signal's reason when aborted.
 *
 * @example
 * const digest = await modelDigest(await openModel("a.safetensors"));
 */
export async function modelDigest(model: Model, signal?: AbortSignal): Promise<string> {
  const lines: string[] = [];
  for (const [name, { dtype, shape }] of model.tensors) {
    const bytes = await model.read(name, signal);
    const pieces: string[] = [];
    for (let start = 0; start < bytes.length; start += PIECE)
      pieces.push(await sha256Of(bytes.subarray(start, start + PIECE)));
    lines.push(`${JSON.stringify([name, dtype, shape, pieces])}\n`);
  }
  return sha256Of(new TextEncoder().encode(lines.join("")));
}

/** By the engine where it can, which is many times as fast. */
async function sha256Of(bytes: Uint8Array): Promise<string> {
  const subtle = (globalThis as { readonly crypto?: Partial<Crypto> }).crypto?.subtle;
  // Shared memory is refused there.
  const own = bytes.buffer instanceof ArrayBuffer ? (bytes as Uint8Array<ArrayBuffer>) : Uint8Array.from(bytes);
  if (subtle === undefined) return sha256Hex(own);
  const digest = new Uint8Array(await subtle.digest("SHA-256", own));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
