/** Folders for tests that touch files: made in the system's place for them, removed afterwards. */

import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Test } from "uvu";

/** Runs `work` in a new empty folder (a path without links), then removes the folder. */
export async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "rebasin-test-")));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Gives each test of a suite a new empty folder; returns the path of a name in it. */
export function temporaryFolder(test: Test): (name: string) => string {
  let folder = "";
  test.before.each(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), "rebasin-test-")));
  });
  test.after.each(() => rmSync(folder, { recursive: true, force: true }));
  return (name) => join(folder, name);
}
