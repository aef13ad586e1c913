/**
 * Whole files of an output folder that was not finished: in `FOLDER.partial`, with a list of them. A file comes into
 * the list when it is on the disk: what is listed is whole, however the process ended.
 */

import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { FormatError } from "../base/errors.ts";
import type { ByteSink } from "../io/sink.ts";
import { fileDigest } from "./content-digest.ts";
import { saveText } from "./file-sink.ts";
import { writesAtOnce } from "./held-outputs.ts";
import { codeOf, wordsOf } from "./system-error.ts";

const LIST = ".rebasin-parts.json";
const FORMAT = "rebasin-parts/1";

interface Part {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

interface PartList {
  readonly format: typeof FORMAT;
  /** What decides the bytes, by name. */
  readonly of: readonly (readonly [name: string, value: string])[];
  readonly files: readonly Part[];
}

/** The folder of files that are kept. */
export interface KeptParts {
  readonly folder: string;
  /** Whether this file is there and what it was when it was written. */
  has(path: string): Promise<boolean>;
  /** The same sink; the file is in the list when it is closed. */
  noting(path: string, sink: ByteSink): ByteSink;
  /** Leaves what is whole for another time; nothing where no file is. */
  leave(): Promise<void>;
  /** All files have their names: removes the list. */
  forget(): Promise<void>;
}

/**
 * Opens `target`.partial for files that `of` decides; messages name `path`. Throws `RangeError` where it holds others,
 * `FormatError` where their list is damaged.
 */
export async function openParts(path: string, target: string, of: ReadonlyMap<string, string>): Promise<KeptParts> {
  const folder = `${target}.partial`;
  const shown = join(dirname(path), basename(folder));
  const list = join(folder, LIST);
  writesAtOnce(list);
  const files = new Map((await readList(folder, shown, of)).map((file) => [file.path, file]));
  const save = (): Promise<void> => {
    const content: PartList = { format: FORMAT, of: [...of], files: [...files.values()] };
    return saveText(`${JSON.stringify(content)}\n`, list, { force: true });
  };
  await mkdir(folder, { recursive: true }).catch((cause) => {
    const what = `${shown} cannot be made (${wordsOf(cause)})`;
    throw new RangeError(`${what}, expected a writable folder around it`, { cause });
  });
  await save();
  return {
    folder,
    has: (inside) => isWhole(folder, files.get(inside)),
    noting: (inside, sink) =>
      hashed(sink, async (facts) => {
        files.set(inside, { path: inside, ...facts });
        await save();
      }),
    async leave() {
      if (files.size === 0) await rm(folder, { recursive: true, force: true });
    },
    forget: () => rm(join(target, LIST), { force: true }),
  };
}

async function isWhole(folder: string, file: Part | undefined): Promise<boolean> {
  if (file === undefined) return false;
  const at = join(folder, file.path);
  const size = await stat(at).then(
    (facts) => facts.size,
    () => -1,
  );
  return size === file.bytes && (await fileDigest(at)) === file.sha256;
}

/** The same sink; `then` gets to know what went through it when it is closed. */
function hashed(sink: ByteSink, then: (facts: Omit<Part, "path">) => Promise<void>): ByteSink {
  const hash = createHash("sha256");
  let bytes = 0;
  return {
    async write(part) {
      hash.update(part);
      bytes += part.length;
      await sink.write(part);
    },
    async close() {
      await sink.close();
      await then({ bytes, sha256: hash.digest("hex") });
    },
    abort: () => sink.abort(),
  };
}

async function readList(folder: string, shown: string, of: ReadonlyMap<string, string>): Promise<PartList["files"]> {
  const there = await readdir(folder).catch((error: unknown): string[] => {
    if (codeOf(error) === "ENOENT") return [];
    throw new RangeError(`${shown} is no folder (${wordsOf(error)}), expected one or a new name`, { cause: error });
  });
  if (!there.includes(LIST)) {
    // A process may have ended before the list was there.
    if (there.every((name) => name.startsWith(".rebasin-"))) return [];
    throw new RangeError(`${shown} holds other files, expected what an earlier run left: rename or remove it`);
  }
  const kept = parseList(await readFile(join(folder, LIST), "utf8"));
  if (kept === undefined)
    throw new FormatError(`${shown}/${LIST} is damaged, expected a list of files: remove ${shown}`);
  const before = new Map(kept.of);
  const other = [...of.keys(), ...before.keys()].find((name) => of.get(name) !== before.get(name));
  if (other === undefined) return kept.files;
  throw new RangeError(`${shown} is of another run, which differs in ${other}, expected the same: rename or remove it`);
}

function parseList(text: string): PartList | undefined {
  try {
    const list = JSON.parse(text) as PartList;
    const isList = list.format === FORMAT && Array.isArray(list.of) && Array.isArray(list.files);
    return isList ? list : undefined;
  } catch {
    return undefined;
  }
}
