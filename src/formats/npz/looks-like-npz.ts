/** Recognises NumPy's files. */

import { firstEntry, isZip } from "../zip-head.ts";

/** True for an archive that begins with an array, and for any archive called .npz. */
export function looksLikeNpz(head: Uint8Array, name: string): boolean {
  return isZip(head) && (firstEntry(head).endsWith(".npy") || name.toLowerCase().endsWith(".npz"));
}
