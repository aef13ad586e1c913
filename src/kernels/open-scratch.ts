/** The temporary file that there is here: of the system or of the browser. */

import { createScratchFile, type ScratchFile } from "./scratch-file.ts";

/**
 * As `createScratchFile`; in a worker of a page, a file of the browser. Null where there is neither.
 *
 * @throws {RangeError} when the system's folder is not writable.
 */
export async function openScratchFile(): Promise<ScratchFile | null> {
  const file = createScratchFile();
  if (file !== null) return file;
  const { createPrivateScratch } = await import("./private-scratch.ts");
  return createPrivateScratch();
}
