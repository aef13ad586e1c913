/**
 * Which of a checkpoint's groups of tensors is the model: the only one, the one that is asked for, or nobody can
 * know.
 */

import { describe } from "../../base/describe.ts";
import { FormatError } from "../../base/errors.ts";
import { type Candidate, type Checkpoint, isWrapper, namedTensors } from "./find-state-dicts.ts";
import { PickleDict, PickleList, PickleTuple, type PickleValue } from "./pickle-values.ts";
import type { References } from "./tensor-values.ts";

/** The model's tensors by name. */
export interface StateDict {
  readonly tensors: ReadonlyMap<string, PickleValue>;
  /** Its path in the checkpoint; empty for the root. */
  readonly key: string;
  /** Paths of the groups that were not chosen. */
  readonly others: readonly string[];
}

/** As many are listed in a message. */
const LISTED = 8;

const pathOf = ({ path }: Candidate): string => path.join(".");

/**
 * Chooses by `key`, a path with dots (`.` is the root), or, without, where there is one answer. Groups that are not
 * clearly separate models (`encoder` and `decoder`, nested parts) are one model, with longer names.
 *
 * @throws {FormatError} when there is no tensor, no such key, or when several groups may be the model: they are listed
 */
export function chooseStateDict(
  root: PickleValue,
  checkpoint: Checkpoint,
  key: string | undefined,
  references: References,
  name: string,
): StateDict {
  const { candidates } = checkpoint;
  if (candidates.length === 0) throw new FormatError(`${name} holds no tensors, expected a PyTorch checkpoint`);
  const list = (): string => listed(candidates, references, name);
  const chosen = key === undefined ? choose(root, candidates) : chooseByKey(candidates, key);
  if (chosen === undefined && key === undefined)
    throw new FormatError(
      `${name} holds ${candidates.length} state dicts: ${list()}; expected one: choose with --key (option key)`,
    );
  if (chosen === undefined)
    throw new FormatError(`${name} has no state dict ${describe(key)}, expected one of ${list()}`);
  const base = key === undefined || key === "." ? commonPath(chosen) : key.split(".");
  const at = chosen.length === 1 ? chosen[0]!.path : base;
  const tensors = new Map<string, PickleValue>();
  for (const candidate of chosen) {
    const prefix = candidate.path.slice(at.length).join(".");
    for (const [tensor, value] of namedTensors(candidate, prefix, references, name)) {
      if (tensors.has(tensor)) throw new FormatError(`${name} has two tensors ${describe(tensor)}, expected one`);
      tensors.set(tensor, value);
    }
  }
  const others = candidates.filter((candidate) => !chosen.includes(candidate)).map(pathOf);
  return { tensors, key: at.join("."), others };
}

function chooseByKey(candidates: readonly Candidate[], key: string): readonly Candidate[] | undefined {
  if (key === "." || key === "") return candidates;
  const exact = candidates.filter((candidate) => pathOf(candidate) === key);
  if (exact.length > 0) return exact;
  const below = candidates.filter((candidate) => pathOf(candidate).startsWith(`${key}.`));
  return below.length > 0 ? below : undefined;
}

/** One candidate, or several that belong together; undefined where that cannot be known. */
function choose(root: PickleValue, candidates: readonly Candidate[]): readonly Candidate[] | undefined {
  if (candidates.length === 1) return candidates;
  // Lightning says which one it is; callbacks keep tensors of their own.
  if (root instanceof PickleDict && root.get("pytorch-lightning_version") !== undefined) {
    const own = candidates.filter(({ path }) => path[0] === "state_dict");
    if (own.length === 1) return own;
  }
  const shared = commonPath(candidates).length;
  const apart = candidates.some(
    ({ path }) => path[shared] === undefined || isWrapper(path[shared]) || isList(root, path, shared),
  );
  return apart ? undefined : candidates;
}

/** True when the part at that depth of the path is one of a list: several models, not parts of one. */
function isList(root: PickleValue, path: readonly string[], depth: number): boolean {
  let value: PickleValue | undefined = root;
  for (const key of path.slice(0, depth)) value = value instanceof PickleDict ? value.get(key) : undefined;
  return value instanceof PickleList || value instanceof PickleTuple;
}

/** The path that all candidates have in common. */
function commonPath(candidates: readonly Candidate[]): readonly string[] {
  const [first, ...rest] = candidates.map(({ path }) => path) as [readonly string[], ...(readonly string[])[]];
  let length = first.length;
  for (const path of rest) {
    let i = 0;
    while (i < length && path[i] === first[i]) i++;
    length = i;
  }
  return first.slice(0, length);
}

function listed(candidates: readonly Candidate[], references: References, name: string): string {
  const texts = candidates.slice(0, LISTED).map((candidate) => {
    const count = namedTensors(candidate, "", references, name).size;
    return `${describe(pathOf(candidate) || ".")} (${count} tensor${count === 1 ? "" : "s"})`;
  });
  const more = candidates.length - texts.length;
  return texts.join(", ") + (more > 0 ? ` and ${more} more` : "");
}
