/** The state of reading a pickle: a stack of values, marks on it, and the values that are referred back to. */

import type { FormatError } from "../../base/errors.ts";
import { construct } from "./known-classes.ts";
import type { PickleBytes } from "./pickle-bytes.ts";
import { kindOf, PickleGlobal, PickleObject, PickleReference, PickleTuple, type PickleValue } from "./pickle-values.ts";

/** Open marks at a time. Python's own pickler recurses and stops before a thousand. */
const MAX_MARKS = 10_000;
/**
 * Lists, tuples, dictionaries, objects: a tensor takes seven. A pickler spends two bytes on each, and mostly many
 * more.
 */
const MAX_CONTAINERS = 10_000_000;
const LEAST_CONTAINER_BYTES = 2;
/** Values that the pickle refers back to. */
const MAX_MEMO = 10_000_000;

/** The stack, the marks and the memory of a pickle. */
export class PickleMachine {
  readonly input: PickleBytes;
  readonly #stack: PickleValue[] = [];
  /** Heights of the stack at the open marks. */
  readonly #marks: number[] = [];
  /** Picklers count from 0: a list, with a map for what is not in turn. */
  readonly #memo: PickleValue[] = [];
  readonly #sparseMemo = new Map<number, PickleValue>();
  #containers = 0;

  readonly #mostContainers: number;

  /** `length`: bytes that there are to be read. */
  constructor(input: PickleBytes, length: number) {
    this.input = input;
    this.#mostContainers = Math.min(MAX_CONTAINERS, length / LEAST_CONTAINER_BYTES);
  }

  fault(message: string): FormatError {
    return this.input.fault(message);
  }

  push(value: PickleValue): void {
    this.#stack.push(value);
  }

  /** Pushes a value that holds others, which are counted. */
  pushContainer(value: PickleValue): void {
    this.#containers++;
    if (this.#containers > this.#mostContainers)
      throw this.fault(`makes more than ${Math.floor(this.#mostContainers)} objects, expected fewer`);
    this.#stack.push(value);
  }

  pop(): PickleValue {
    if (this.#stack.length === (this.#marks.at(-1) ?? 0))
      throw this.fault("takes a value from an empty stack, expected one");
    return this.#stack.pop()!;
  }

  top(): PickleValue {
    const value = this.pop();
    this.#stack.push(value);
    return value;
  }

  mark(): void {
    if (this.#marks.length === MAX_MARKS) throw this.fault(`is nested ${MAX_MARKS} deep, expected less`);
    this.#marks.push(this.#stack.length);
  }

  /** Removes everything above the last mark, and the mark. */
  popMark(): PickleValue[] {
    const height = this.#marks.pop();
    if (height === undefined) throw this.fault("closes a mark that was not set, expected one");
    return this.#stack.splice(height);
  }

  put(index: number): void {
    const value = this.top();
    if (index < this.#memo.length) this.#memo[index] = value;
    else if (index === this.#memo.length) this.#memo.push(value);
    else this.#sparseMemo.set(index, value);
    if (this.#memo.length + this.#sparseMemo.size > MAX_MEMO)
      throw this.fault(`remembers more than ${MAX_MEMO} values, expected fewer`);
  }

  memoize(): void {
    this.put(this.#memo.length + this.#sparseMemo.size);
  }

  get(index: number): void {
    const value = index < this.#memo.length ? this.#memo[index] : this.#sparseMemo.get(index);
    if (value === undefined) throw this.fault(`refers to value ${index}, which it has not made`);
    this.#stack.push(value);
  }

  /** Removes and returns a tuple, as arguments are given. */
  popArguments(): readonly PickleValue[] {
    const args = this.pop();
    if (args instanceof PickleTuple) return args.items;
    throw this.fault(`calls with ${kindOf(args)}, expected a tuple`);
  }

  /** Removes what is called; objects that pickles call represent classes made on the fly. */
  popCallable(): PickleGlobal {
    const callable = this.pop();
    if (callable instanceof PickleGlobal) return callable;
    if (callable instanceof PickleObject) return new PickleGlobal(callable.callable.path);
    // Containers of old files name a module's class by a persistent id: ("module", class, source file, source).
    if (callable instanceof PickleReference && callable.id instanceof PickleTuple) {
      const [kind, cls] = callable.id.items;
      if (kind === "module" && cls instanceof PickleGlobal) return cls;
    }
    throw this.fault(`calls ${kindOf(callable)}, expected a class or a function`);
  }

  call(callable: PickleGlobal, args: readonly PickleValue[]): void {
    this.pushContainer(construct(callable, args));
  }
}
