/**
 * What a pickle holds, as plain data. Nothing in a pickle is ever called: a call becomes a `PickleObject` with the
 * function's name and its arguments. Values may be shared and may hold themselves: walks over them need a limit.
 */

import { describe } from "../../base/describe.ts";

export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleList
  | PickleTuple
  | PickleDict
  | PickleSet
  | PickleGlobal
  | PickleObject
  | PickleReference;

/** Items in order. Empty ones, of which there are many, are small. */
abstract class PickleItems {
  #items: PickleValue[] | undefined;

  get items(): readonly PickleValue[] {
    return this.#items ?? NO_ITEMS;
  }

  add(item: PickleValue): void {
    this.#items ??= [];
    this.#items.push(item);
  }
}

const NO_ITEMS: readonly PickleValue[] = [];

export class PickleList extends PickleItems {}

export class PickleSet extends PickleItems {}

export class PickleTuple {
  readonly items: readonly PickleValue[];
  constructor(items: readonly PickleValue[]) {
    this.items = items;
  }
}

/** The empty tuple, of which there is one in Python, too. */
export const EMPTY_TUPLE: PickleTuple = new PickleTuple(NO_ITEMS);

/**
 * A dictionary, ordered or not. Keys that are objects are compared by identity. Empty ones, of which there are
 * many, are small.
 */
export class PickleDict {
  #entries: Map<PickleValue, PickleValue> | undefined;

  get entries(): ReadonlyMap<PickleValue, PickleValue> {
    return this.#entries ?? NO_ENTRIES;
  }

  set(key: PickleValue, value: PickleValue): void {
    this.#entries ??= new Map();
    this.#entries.set(key, value);
  }

  /** The value of a key that is text. */
  get(key: string): PickleValue | undefined {
    return this.#entries?.get(key);
  }
}

const NO_ENTRIES: ReadonlyMap<PickleValue, PickleValue> = new Map();

/** A class or a function, by its name. */
export class PickleGlobal {
  /** `module.name`. */
  readonly path: string;
  constructor(path: string) {
    this.path = path;
  }
}

/** The result of a call that was not made. */
export class PickleObject {
  readonly callable: PickleGlobal;
  readonly args: readonly PickleValue[];
  /** What its attributes are to be, usually a dictionary. */
  state: PickleValue | undefined;
  /** What was put into it as into a dictionary: it is of a class made from `dict`. */
  entries: PickleDict | undefined;
  constructor(callable: PickleGlobal, args: readonly PickleValue[]) {
    this.callable = callable;
    this.args = args;
  }
}

/** A persistent id: its object is outside the pickle. */
export class PickleReference {
  readonly id: PickleValue;
  constructor(id: PickleValue) {
    this.id = id;
  }
}

/** What kind of value it is, for messages. */
export function kindOf(value: PickleValue | undefined): string {
  if (value === undefined) return "nothing";
  if (value === null) return "None";
  if (value instanceof PickleGlobal) return `the class ${describe(value.path)}`;
  if (value instanceof PickleObject) return `an object of ${describe(value.callable.path)}`;
  if (value instanceof PickleList) return "a list";
  if (value instanceof PickleTuple) return "a tuple";
  if (value instanceof PickleDict) return "a dictionary";
  if (value instanceof PickleSet) return "a set";
  if (value instanceof PickleReference) return "a persistent id";
  if (value instanceof Uint8Array) return "bytes";
  return typeof value === "string" ? "text" : `a ${typeof value}`;
}
