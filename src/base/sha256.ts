/** SHA-256. Not by `crypto.subtle`: pages that are not secure lack it, and Node loads it for some 4 ms. */

// The class beneath noble's `sha256`, which would compute a digest and a table whenever this is imported.
import { _SHA256 as Sha256 } from "@noble/hashes/sha2.js";

/** The digest in lower-case hexadecimal. */
export function sha256Hex(bytes: Uint8Array): string {
  const digest = new Sha256().update(bytes).digest();
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
