/**
 * Where in a checkpoint the weights are. People save a bare state dict, or one with an optimizer's state, an epoch and
 * other values, or several (a moving average of the weights), or the module itself.
 */

import { describe } from "../../base/describe.ts";
import { FormatError } from "../../base/errors.ts";
import { PickleDict, PickleList, PickleObject, PickleSet, PickleTuple, type PickleValue } from "./pickle-values.ts";
import { isTensorValue, type References } from "./tensor-values.ts";

/** A group of tensors that may be the model. */
export interface Candidate {
  /** Keys from the checkpoint's root. */
  readonly path: readonly string[];
  readonly value: PickleValue;
}

/** What a checkpoint holds. */
export interface Checkpoint {
  readonly candidates: readonly Candidate[];
  /** Paths of what belongs to the training: optimizers and the like. Not looked into. */
  readonly training: readonly string[];
}

/** Keys of what belongs to the training. */
const TRAINING = /^(.*_)?(optim|optims|optimizers?|(lr_)?schedulers?|scaler|grad_scaler|amp)(_|$)|^optimizer/i;

/** True for a part that belongs to the training: by its key, or as an optimizer's state dict has it. */
function isTraining(key: string, part: PickleValue): boolean {
  return TRAINING.test(key) || (part instanceof PickleDict && part.get("param_groups") instanceof PickleList);
}

/**
 * A checkpoint with more parts than this is made to exhaust time; one of 100,000 tensors and an optimizer has a
 * million.
 */
const MAX_PARTS = 10_000_000;
const MAX_DEPTH = 1000;
/** One part may be named so often: layers that share weights are, a memo that refers to itself would never end. */
const MAX_SHARING = 1000;

/** What is in a container: parts that may hold tensors or are some, and how many other things (`None` is nothing). */
export interface Contents {
  readonly parts: readonly (readonly [string, PickleValue])[];
  readonly others: number;
}

/** The contents of a container; undefined for what is none. A module's are those of its state dict. */
export function contentsOf(value: PickleValue): Contents | undefined {
  if (value instanceof PickleObject) return modulePairs(value) ?? (value.entries && contentsOf(value.entries));
  if (value instanceof PickleDict) return contentsOfPairs(value.entries);
  if (value instanceof PickleList || value instanceof PickleTuple) return contentsOfPairs(value.items.entries());
  return undefined;
}

/** Keys that are neither text nor numbers name nothing. Long lists of numbers are counted, not copied. */
function contentsOfPairs(pairs: Iterable<readonly [PickleValue, PickleValue]>): Contents {
  const parts: (readonly [string, PickleValue])[] = [];
  let others = 0;
  for (const [key, item] of pairs) {
    const isNamed = typeof key === "string" || typeof key === "number";
    if (typeof item === "object" && item !== null && !(item instanceof Uint8Array) && isNamed)
      parts.push([String(key), item]);
    else if (item !== null) others++;
  }
  return { parts, others };
}

/** Parameters, buffers and children of a module, in the order of its state dict; undefined for other objects. */
function modulePairs(object: PickleObject): Contents | undefined {
  const state = object.state;
  if (!(state instanceof PickleDict)) return undefined;
  // TorchScript: attributes by their names. Parameters and buffers are told apart by the code alone.
  if (object.callable.path.startsWith("__torch__")) return contentsOfPairs(state.entries);
  const [parameters, buffers, modules] = ["_parameters", "_buffers", "_modules"].map((key) => state.get(key));
  if (!(parameters instanceof PickleDict && modules instanceof PickleDict)) return undefined;
  const unsaved = state.get("_non_persistent_buffers_set");
  const skip = new Set(unsaved instanceof PickleSet ? unsaved.items : []);
  const saved = buffers instanceof PickleDict ? [...buffers.entries].filter(([name]) => !skip.has(name)) : [];
  return contentsOfPairs([...parameters.entries, ...saved, ...modules.entries]);
}

export function isModule(value: PickleValue): value is PickleObject {
  return value instanceof PickleObject && modulePairs(value) !== undefined;
}

/** Keys that people give to a state dict which is one of several things in a file. */
const WRAPPERS = new Set(
  "state_dict model model_state_dict model_state net net_state_dict network module params params_ema ema ema_model ema_state_dict model_ema state_dict_ema weights generator discriminator g d g_ema teacher student target online policy actor critic best".split(
    " ",
  ),
);

/** True for a key that names a whole state dict. */
export const isWrapper = (key: string): boolean => WRAPPERS.has(key);

interface Visit {
  readonly value: PickleValue;
  readonly path: readonly string[];
  /** True below a part that has tensors, but mostly other things. */
  readonly inSparse: boolean;
}

/**
 * Finds the groups of tensors in a checkpoint: modules, and the outermost dictionaries and lists that hold mostly
 * tensors.
 *
 * @throws {FormatError} for a checkpoint with too many parts
 */
export function findStateDicts(root: PickleValue, references: References, name: string): Checkpoint {
  const isTensor = (value: PickleValue): boolean => isTensorValue(value, references);
  if (isTensor(root)) return { candidates: [{ path: [], value: alone(root) }], training: [] };
  const candidates: Candidate[] = [];
  /** Where there are tensors, but mostly other things: the outermost ones. */
  const sparse: Candidate[] = [];
  const training: string[] = [];
  const seen = new Set<PickleValue>();
  const queue: Visit[] = [{ value: root, path: [], inSparse: false }];
  for (const { value, path, inSparse } of queue) {
    const contents = seen.has(value) ? undefined : contentsOf(value);
    if (contents === undefined) continue;
    seen.add(value);
    if (seen.size > MAX_PARTS || path.length > MAX_DEPTH) throw tooLarge(name);
    const { parts } = contents;
    const tensors = parts.filter(([, part]) => isTensor(part)).length;
    const others = parts.length - tensors + contents.others;
    const wraps = parts.some(([key, part]) => isWrapper(key) && isContainer(part));
    if (isModule(value) || (tensors > 0 && tensors >= others && !wraps)) {
      candidates.push({ path, value });
      continue;
    }
    if (tensors > 0 && !inSparse) sparse.push({ path, value });
    for (const [key, part] of parts) {
      if (!isContainer(part)) continue;
      // "opt" may be a model; beside one it is its optimizer.
      if (isTraining(key, part) || (wraps && key === "opt")) training.push([...path, key].join("."));
      else queue.push({ value: part, path: [...path, key], inSparse: inSparse || tensors > 0 });
    }
  }
  return { candidates: candidates.length > 0 ? candidates : sparse, training };
}

const isContainer = (value: PickleValue): boolean =>
  value instanceof PickleDict ||
  value instanceof PickleList ||
  value instanceof PickleTuple ||
  (value instanceof PickleObject && (value.entries !== undefined || isModule(value)));

/** A tensor that was saved by itself, under a name. */
function alone(tensor: PickleValue): PickleDict {
  const dict = new PickleDict();
  dict.set("tensor", tensor);
  return dict;
}

function tooLarge(name: string): FormatError {
  return new FormatError(`${name} has too many parts, or parts that hold themselves, expected a checkpoint`);
}

/**
 * The tensors of a candidate by their names: keys joined by dots, as `state_dict()` names them. `prefix` comes first.
 *
 * @throws {FormatError} for two tensors of one name, and for parts that hold themselves
 */
export function namedTensors(
  { value }: Candidate,
  prefix: string,
  references: References,
  name: string,
): Map<string, PickleValue> {
  const named = new Map<string, PickleValue>();
  const visits = new Map<PickleValue, number>();
  const visit = (part: PickleValue, key: string, depth: number, inModule: boolean): void => {
    const isTensor = isTensorValue(part, references);
    const contents = isTensor ? undefined : contentsOf(part);
    if (!isTensor && contents === undefined) return;
    const count = (visits.get(part) ?? 0) + 1;
    visits.set(part, count);
    if (count > MAX_SHARING || depth > MAX_DEPTH) throw tooLarge(name);
    if (isTensor) {
      if (named.has(key)) throw new FormatError(`${name} has two tensors ${describe(key)}, expected one`);
      named.set(key, part);
      return;
    }
    const belongs = inModule || isModule(part);
    for (const [word, child] of contents!.parts) {
      if (!belongs && isContainer(child) && isTraining(word, child)) continue;
      visit(child, key === "" ? word : `${key}.${word}`, depth + 1, belongs);
    }
  };
  visit(value, prefix, 0, false);
  return named;
}
