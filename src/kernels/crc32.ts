/**
 * CRC-32 of bytes that come in pieces, as ZIP, gzip and PNG have it. Import on demand: it brings the extra wasm
 * along.
 */

import { createExtraKernels } from "./extra-kernels.ts";
import type { BuildOptions } from "./wasm.ts";

const TABLE_BYTES = 8192;
/** Bytes copied into wasm memory at a time. */
const CHUNK = 65536;

/** A running checksum. */
export interface Crc32 {
  /** Takes the next bytes in. */
  add(bytes: Uint8Array): void;
  /** The CRC-32 of all bytes so far, from 0 to 2³² − 1. */
  value(): number;
}

/** A function that starts checksums; they share one small wasm memory. */
export function createCrc32(options: BuildOptions = {}): () => Crc32 {
  const { wasm, arena, u8 } = createExtraKernels(options);
  const tables = arena.allocate(TABLE_BYTES);
  const chunk = arena.allocate(CHUNK);
  wasm.crc32Tables(tables);
  return () => {
    let crc = 0;
    return {
      add(bytes) {
        for (let at = 0; at < bytes.length; at += CHUNK) {
          const part = bytes.subarray(at, at + CHUNK);
          u8(chunk, part.length).set(part);
          crc = wasm.crc32(crc, chunk, part.length, tables) >>> 0;
        }
      },
      value: () => crc,
    };
  };
}
