/**
 * The files of a queue in a shared folder. Each is made whole, and those that only one process may make are made by
 * `link`.
 */

import { link, mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { codeOf } from "../../node/system-error.ts";
import { newTemporary, releaseTemporary, removeStale } from "../../node/temporaries.ts";
import { isJobId, type NewJob } from "../job-queue.ts";

/** Folders of a queue: a job's file is in the folder of its state. */
const FOLDERS = ["jobs", "claims", "tries", "progress", "cancels", "ends", "parts"] as const;
type Folder = (typeof FOLDERS)[number];

/** `jobs/ID.json`: what is to be done. Gone when the job is over. */
export interface JobFile extends Omit<NewJob, "children"> {
  readonly id: string;
  /** Ids of its children. */
  readonly after: readonly string[];
}

/** `claims/ID.json`: who works on it. Its time is renewed while they do. */
export interface ClaimFile {
  readonly token: string;
  readonly worker: string;
  readonly attempt: number;
}

/** `tries/ID.json`: attempts that failed or were left, before the next. */
export interface TriesFile {
  /** Starts so far. */
  readonly attempts: number;
  /** Those of them that failed by themselves. */
  readonly faults: number;
  readonly reason: string;
  /** Milliseconds of the clock of who wrote it. */
  readonly notBefore: number;
}

/** `ends/ID.json`: how it ended. Written once. */
export interface EndFile {
  readonly id: string;
  readonly name: string;
  readonly state: "done" | "failed" | "cancelled";
  readonly attempts: number;
  readonly result?: unknown;
  readonly reason?: string | undefined;
}

/** Makes the folders of a queue in `root` if they are not there; removes what processes that died left. */
export async function openFolderFiles(root: string): Promise<FolderFiles> {
  for (const folder of FOLDERS) await mkdir(join(root, folder), { recursive: true });
  await removeStale(join(root, "parts"));
  return new FolderFiles(root);
}

/** The files of one queue. */
export class FolderFiles {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  #pathOf(folder: Folder, id: string): string {
    return join(this.#root, folder, `${id}.json`);
  }

  /** Runs `use` on a new file, in the same file system so that it can be linked and renamed. */
  async #withPart<T>(use: (part: string) => Promise<T>): Promise<T> {
    const part = newTemporary(join(this.#root, "parts"));
    try {
      return await use(part);
    } finally {
      await rm(part, { force: true });
      releaseTemporary(part);
    }
  }

  async read<T>(folder: Folder, id: string): Promise<T | undefined> {
    const text = await readFile(this.#pathOf(folder, id), "utf8").catch(unlessMissing);
    return text === undefined ? undefined : (JSON.parse(text) as T);
  }

  /** Replaces what was there. */
  put(folder: Folder, id: string, content: object): Promise<void> {
    return this.#withPart(async (part) => {
      await writePart(part, folder, content);
      await rename(part, this.#pathOf(folder, id));
    });
  }

  /** Resolves to false where another process was first. */
  create(folder: Folder, id: string, content: object): Promise<boolean> {
    return this.#withPart(async (part) => {
      await writePart(part, folder, content);
      try {
        await link(part, this.#pathOf(folder, id));
        return true;
      } catch (error) {
        if (codeOf(error) === "EEXIST") return false;
        throw error;
      }
    });
  }

  async remove(folder: Folder, id: string): Promise<void> {
    await rm(this.#pathOf(folder, id), { force: true });
  }

  async has(folder: Folder, id: string): Promise<boolean> {
    return (await stat(this.#pathOf(folder, id)).catch(unlessMissing)) !== undefined;
  }

  /** Ids in order. */
  async ids(folder: Folder): Promise<string[]> {
    const names = await readdir(join(this.#root, folder));
    const ids = names.filter((name) => name.endsWith(".json")).map((name) => name.slice(0, -".json".length));
    return ids.filter(isJobId).sort();
  }

  /** Renews the time of a claim. */
  async touch(folder: Folder, id: string): Promise<void> {
    const now = new Date();
    await utimes(this.#pathOf(folder, id), now, now);
  }

  /** When it was renewed last, by the clock of who did; undefined where there is none. */
  async touched(folder: Folder, id: string): Promise<number | undefined> {
    return (await stat(this.#pathOf(folder, id)).catch(unlessMissing))?.mtimeMs;
  }

  /** Moves a file out of the way; resolves to false where another process did. */
  take(folder: Folder, id: string): Promise<boolean> {
    return this.#withPart(async (part) => {
      try {
        await rename(this.#pathOf(folder, id), part);
        return true;
      } catch (error) {
        unlessMissing(error);
        return false;
      }
    });
  }
}

/** What must outlive the machine; the rest is only about who works on what now. */
const KEPT: ReadonlySet<Folder> = new Set<Folder>(["jobs", "ends"]);

const writePart = (part: string, folder: Folder, content: object): Promise<void> =>
  writeFile(part, JSON.stringify(content), { flag: "wx", flush: KEPT.has(folder) });

function unlessMissing(error: unknown): undefined {
  if (codeOf(error) !== "ENOENT") throw error;
}
