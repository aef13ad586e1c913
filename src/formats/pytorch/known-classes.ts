/** The few classes of Python's library whose objects are plain data: made into values. All others stay names. */

import {
  PickleDict,
  PickleGlobal,
  PickleList,
  PickleObject,
  PickleSet,
  PickleTuple,
  type PickleValue,
} from "./pickle-values.ts";

type Make = (args: readonly PickleValue[]) => PickleValue | undefined;

/** Items of what Python can iterate over, among what pickles give to constructors; nothing else is taken. */
function itemsOf(value: PickleValue | undefined): readonly PickleValue[] | undefined {
  if (value === undefined) return [];
  return value instanceof PickleList || value instanceof PickleTuple || value instanceof PickleSet
    ? value.items
    : undefined;
}

/** From nothing, a dictionary, or pairs (as Python 2 writes ordered dictionaries). */
function dictOf(value: PickleValue | undefined): PickleDict | undefined {
  const dict = new PickleDict();
  if (value instanceof PickleDict) {
    for (const [key, item] of value.entries) dict.set(key, item);
    return dict;
  }
  const pairs = itemsOf(value);
  if (pairs === undefined) return undefined;
  for (const pair of pairs) {
    const both = pair === null ? undefined : itemsOf(pair);
    if (both?.length !== 2) return undefined;
    dict.set(both[0]!, both[1]!);
  }
  return dict;
}

function fill<T extends { add(item: PickleValue): void }>(made: T, value: PickleValue | undefined): T | undefined {
  const items = itemsOf(value);
  if (items === undefined) return undefined;
  for (const item of items) made.add(item);
  return made;
}

const dict: Make = ([first]) => dictOf(first);
const list: Make = ([first]) => fill(new PickleList(), first);
const set: Make = ([first]) => fill(new PickleSet(), first);
const tuple: Make = ([first]) => {
  const items = itemsOf(first);
  return items === undefined ? undefined : new PickleTuple(items);
};

/** Bytes in protocol 2, which has no opcode for them: text of one character a byte. */
const encode: Make = ([text, encoding]) => {
  if (typeof text !== "string" || (encoding !== "latin1" && encoding !== "latin-1")) return undefined;
  return Uint8Array.from(text, (c) => c.charCodeAt(0));
};

/** `object.__new__` of a class, in protocols 0 and 1. */
const reconstruct: Make = ([cls]) => (cls instanceof PickleGlobal ? new PickleObject(cls, []) : undefined);

const CLASSES: ReadonlyMap<string, Make> = new Map([
  ["collections.OrderedDict", dict],
  ["collections.Counter", dict],
  ["collections.defaultdict", () => new PickleDict()],
  ["builtins.dict", dict],
  ["__builtin__.dict", dict],
  ["builtins.list", list],
  ["__builtin__.list", list],
  ["builtins.tuple", tuple],
  ["__builtin__.tuple", tuple],
  ["builtins.set", set],
  ["__builtin__.set", set],
  ["builtins.frozenset", set],
  ["__builtin__.frozenset", set],
  ["torch.Size", tuple],
  ["_codecs.encode", encode],
  ["copy_reg._reconstructor", reconstruct],
  ["copyreg._reconstructor", reconstruct],
]);

/** What a call makes: a value where the class is plain data, else an object that remembers the call. */
export function construct(callable: PickleGlobal, args: readonly PickleValue[]): PickleValue {
  return CLASSES.get(callable.path)?.(args) ?? new PickleObject(callable, args);
}
