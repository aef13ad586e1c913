/**
 * Results of a command that was stopped, for the next run of the same command. They are in a file of two lines beside
 * the output: its kind and the digest of the rest; then the inputs of the results, and the results.
 */

import { createHash } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { saveText } from "../node/file-sink.ts";
import { whenFinished, writesAtOnce } from "../node/held-outputs.ts";
import { codeOf, wordsOf } from "../node/system-error.ts";
import type { CommandContext } from "./command.ts";
import { type Option, text } from "./option.ts";

/** Of `curve` and `contour`. With `straight-through` it is that search's own, as everywhere. */
export const CHECKPOINT_OPTION: Option<string | undefined> = text({
  group: "output",
  value: "FILE",
  help: "file that keeps what is measured; a run resumes from it if it exists. With straight-through, of the search",
  defaultText: "beside the first output",
});

/** What decides the results, each by its digest or in words: `model A`, `test images`, `points`. */
export type ResultsOf = ReadonlyMap<string, string>;

/** Results by name. Values are what JSON holds, and numbers that it does not. */
export interface KeptResults {
  readonly found: ReadonlyMap<string, unknown>;
  /** Adds one; it is in the file within seconds. */
  keep(name: string, value: unknown): Promise<void>;
}

export interface CheckpointPlan {
  /** Nothing is kept without. */
  readonly path: string | undefined;
  /** Files that must not be written over. */
  readonly inputs: readonly string[];
  /** What decides the results; not asked for without a path. */
  readonly of: () => Promise<ResultsOf>;
  /** In words, from the names of all results: "11 of 50 points". */
  readonly count: (names: Iterable<string>) => string;
}

/**
 * Runs `use` with the results of an earlier run, if the file holds some that fit; one line reports it, or why they do
 * not fit. The file is removed when `use` is done; when it fails or is stopped, all results so far are in it.
 */
export async function withCheckpoint<T>(
  { say }: Pick<CommandContext, "say">,
  plan: CheckpointPlan,
  use: (kept: KeptResults) => Promise<T>,
): Promise<T> {
  const { path, inputs, count } = plan;
  if (path === undefined) return use(keepNothing());
  writesAtOnce(path);
  const of = await plan.of();
  const { results, why, isForeign } = await readResults(path, of);
  if (why !== undefined) say(`${path} ${why}`);
  if (isForeign) return use(keepNothing());
  if (results.size > 0) say(`continues: ${count(results.keys())} are there`);
  const file = resultsFile(results, (text) => saveText(text, path, { force: true, inputs }), of);
  try {
    const value = await use(file);
    await whenFinished(() => rm(path, { force: true }));
    return value;
  } catch (error) {
    const isKept = await file.flush().then(
      () => results.size > 0,
      () => false,
    );
    if (isKept) say(`${count(results.keys())} are kept in ${path}: the same command continues`);
    throw error;
  }
}

const keepNothing = (): KeptResults => ({ found: new Map(), keep: async () => {} });

/** How files of this kind begin, in every version. */
const KIND = "rebasin-checkpoint/";
const FORMAT = `${KIND}1`;
/** Writing waits for the disk; a point that is lost to a power cut is measured again. */
const EVERY_MS = 1000;
/** Large files are written less often: never more than a twentieth of the time. */
const SHARE = 20;

function resultsFile(
  results: Map<string, unknown>,
  save: (text: string) => Promise<void>,
  of: ResultsOf,
): KeptResults & { flush(): Promise<void> } {
  let [next, written] = [0, results.size];
  const write = async (): Promise<void> => {
    while (written !== results.size) {
      const started = performance.now();
      const count = results.size;
      await save(formatResults(of, results));
      written = count;
      const ended = performance.now();
      next = ended + Math.max(EVERY_MS, SHARE * (ended - started));
    }
  };
  // One after the other: of two at once, the older could end last.
  let last: Promise<void> = Promise.resolve();
  const flush = (): Promise<void> => (last = last.then(write, write));
  return {
    found: new Map(results),
    async keep(name, value) {
      results.set(name, value);
      if (performance.now() >= next) await flush();
    },
    flush,
  };
}

/** The file's text. */
export function formatResults(of: ResultsOf, results: ReadonlyMap<string, unknown>): string {
  const body = JSON.stringify({ of: [...of], results: [...results] }, (_, value) =>
    typeof value === "number" && !Number.isFinite(value) ? { number: String(value) } : value,
  );
  return `${FORMAT} ${digestOf(body)}\n${body}\n`;
}

interface ReadResults {
  readonly results: Map<string, unknown>;
  /** Why there are none, for people. */
  readonly why?: string | undefined;
  /** A file of something else, which must stay as it is. */
  readonly isForeign?: boolean | undefined;
}

async function readResults(path: string, of: ResultsOf): Promise<ReadResults> {
  const results = new Map<string, unknown>();
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return { results };
    throw new RangeError(`${path}: ${wordsOf(error)}, expected a checkpoint or nothing`, { cause: error });
  }
  if (bytes.toString("latin1", 0, KIND.length) !== KIND)
    return { results, why: "is no checkpoint of this command: it stays, and nothing is kept", isForeign: true };
  const parsed = parseResults(bytes.toString("utf8"));
  if (parsed === undefined) return { results, why: "is damaged, or of another version: starts anew" };
  const other = [...of, ...parsed.of].find(([name]) => of.get(name) !== parsed.of.get(name));
  if (other !== undefined) return { results, why: `is of another run, which differs in ${other[0]}: starts anew` };
  return { results: parsed.results };
}

/** Undefined for anything but what `formatResults` has written, to the last character. */
function parseResults(text: string): { of: Map<string, string>; results: Map<string, unknown> } | undefined {
  const [head, body, ...rest] = text.split("\n");
  const isWhole = body !== undefined && rest.length === 1 && rest[0] === "";
  if (!isWhole || head !== `${FORMAT} ${digestOf(body)}`) return undefined;
  const { of, results } = JSON.parse(body, (_, value) =>
    typeof value?.number === "string" ? Number(value.number) : value,
  ) as { of: [string, string][]; results: [string, unknown][] };
  return { of: new Map(of), results: new Map(results) };
}

const digestOf = (text: string): string => createHash("sha256").update(text).digest("hex");
