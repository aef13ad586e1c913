/** What a model holds, as one digest: names, dtypes, shapes and bytes of its tensors, in any container. */

import type { Model } from "./model.ts";
import { sha256Hex } from "./sha256.ts";
import { tensorBytes } from "./tensor-bytes.ts";

/** Bytes hashed at once: engines hash one piece while the next is read. */
const PIECE = 2 ** 26;
/** Bytes read at a time. */
const READ = 2 ** 22;

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
  let room = new Uint8Array(0);
  for (const [name, info] of model.tensors) {
    const length = tensorBytes(info);
    const pieces: string[] = [];
    let whole: Uint8Array | null = null;
    for (let start = 0; start < length; start += PIECE) {
      const end = Math.min(start + PIECE, length);
      if (whole === null && room.length < end - start) room = new Uint8Array(end - start);
      whole ??= await readInto(room.subarray(0, end - start), model, name, start, length, signal);
      pieces.push(await sha256Of(whole?.subarray(start, end) ?? room.subarray(0, end - start)));
    }
    lines.push(`${JSON.stringify([name, info.dtype, info.shape, pieces])}\n`);
  }
  return sha256Of(new TextEncoder().encode(lines.join("")));
}

/** Fills `room` with the bytes from `start` on, some at a time. Returns all bytes of a model that gives no parts. */
async function readInto(
  room: Uint8Array,
  model: Model,
  name: string,
  start: number,
  length: number,
  signal?: AbortSignal,
): Promise<Uint8Array | null> {
  for (let at = 0; at < room.length; at += READ) {
    const part = [start + at, start + Math.min(at + READ, room.length)] as const;
    const into = room.subarray(at, at + READ);
    const bytes = await model.read(name, signal, into, part);
    if (bytes.length === length) return bytes;
    if (bytes !== into) into.set(bytes);
  }
  return null;
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
