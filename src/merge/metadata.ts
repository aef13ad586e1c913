/** How a merged file describes itself: nothing that differs between two runs of the same merge. */

import { NETWORK_NOTES } from "../base/network-notes.ts";
import { VERSION } from "../base/version.ts";

/**
 * `format` of A (loaders ask for it) and its notes on the network, the caller's entries, then how the model was made.
 * No time, path, runtime or thread count, so that equal merges are equal files.
 */
export function mergeMetadata(
  ofA: ReadonlyMap<string, string>,
  given: ReadonlyMap<string, string> | undefined,
  made: Readonly<Record<string, string>>,
): Map<string, string> {
  const metadata = new Map<string, string>();
  for (const key of ["format", ...NETWORK_NOTES]) {
    const value = ofA.get(key);
    if (value !== undefined) metadata.set(key, value);
  }
  for (const [key, value] of given ?? []) metadata.set(key, value);
  metadata.set("rebasin.version", VERSION);
  for (const [key, value] of Object.entries(made)) metadata.set(key, value);
  return metadata;
}
