/** The files of a tar archive (POSIX ustar, and GNU's as far as plain files go), as ranges of it. */

import { describe } from "../base/describe.ts";
import { FormatError } from "../base/errors.ts";
import type { ByteSource } from "./byte-source.ts";

const BLOCK = 512;
/** The archives read here have a handful. */
const MAX_FILES = 10_000;

/** True for the first block of a tar archive: its checksum is right. */
export function looksLikeTar(head: Uint8Array): boolean {
  return head.length >= BLOCK && head[0] !== 0 && octal(head, 148, 8) === checksum(head);
}

/**
 * Where the archive's plain files are, by their names without a leading `./`. Other kinds of entries are passed over.
 *
 * @throws {FormatError} for what is no tar archive, a cut one, and two files of one name
 */
export async function listTar(
  source: ByteSource,
  signal?: AbortSignal,
): Promise<Map<string, { readonly start: number; readonly end: number }>> {
  const { name, byteLength } = source;
  const files = new Map<string, { start: number; end: number }>();
  for (let at = 0; at + BLOCK <= byteLength; ) {
    const block = await source.slice(at, at + BLOCK, signal);
    if (block[0] === 0) break; // zero blocks end an archive
    const size = octal(block, 124, 12);
    if (octal(block, 148, 8) !== checksum(block) || size === undefined)
      throw new FormatError(`${name} has no tar header at byte ${at}, expected one`);
    const start = at + BLOCK;
    const end = start + size;
    const file = text(block, 0, 100).replace(/^(\.\/)+/, "");
    if (end > byteLength)
      throw new FormatError(`${name} entry ${describe(file)} ends at byte ${end}, expected at most ${byteLength}`);
    const kind = block[156];
    if (kind === 0 || kind === 0x30) {
      if (files.has(file)) throw new FormatError(`${name} has two entries ${describe(file)}, expected one`);
      files.set(file, { start, end });
      if (files.size > MAX_FILES) throw new FormatError(`${name} has more than ${MAX_FILES} entries, expected fewer`);
    }
    at = start + Math.ceil(size / BLOCK) * BLOCK;
  }
  return files;
}

function text(block: Uint8Array, start: number, length: number): string {
  const field = block.subarray(start, start + length);
  const end = field.indexOf(0);
  return String.fromCharCode(...(end < 0 ? field : field.subarray(0, end)));
}

/** Octal digits, with blanks or a NUL around them. */
function octal(block: Uint8Array, start: number, length: number): number | undefined {
  const digits = /^ *([0-7]{1,12}) *$/.exec(text(block, start, length))?.[1];
  return digits === undefined ? undefined : Number.parseInt(digits, 8);
}

/** The sum of a header's bytes, its own field counted as blanks. */
function checksum(block: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < BLOCK; i++) sum += i >= 148 && i < 156 ? 32 : block[i]!;
  return sum;
}
