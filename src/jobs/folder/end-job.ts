/** The end of a job in a folder's queue. */

import type { EndFile, FolderFiles, JobFile } from "./folder-files.ts";

/** Writes how a job ended, and removes what is not needed any more. */
export async function endJob(
  files: FolderFiles,
  { id, name }: JobFile,
  end: Pick<EndFile, "state" | "attempts" | "result" | "reason">,
): Promise<void> {
  const whole: EndFile = { id, name, ...end };
  await files.create("ends", id, whole);
  for (const folder of ["jobs", "tries", "progress", "cancels"] as const) await files.remove(folder, id);
}
