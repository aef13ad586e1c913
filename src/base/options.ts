/** Options that several functions share, and checks that none is misspelt or of a wrong type. */

import { describe } from "./describe.ts";
import type { OnProgress } from "./progress.ts";

/** What all long work takes. */
export interface Running {
  /** Stops the work: it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Called between steps. Must not throw. */
  readonly onProgress?: OnProgress | undefined;
}

/** How the kernels compute. */
export interface Computing {
  /**
   * Threads that compute, at most 64. The result is the same with any number. With "auto" it is one for each processor,
   * up to 8, and only for models large enough to gain by it. Workers start during the matching and end with it. One
   * thread computes where workers or shared memory are missing, as in a page that is not cross-origin isolated. Default
   * 1.
   */
  readonly threads?: number | "auto" | undefined;
  /** `false` forces the scalar build of the kernels. Same bits, slower. */
  readonly simd?: boolean | undefined;
  /**
   * `true` multiplies cost matrices with relaxed SIMD where the engine has it. It is faster, but bits may differ
   * between engines and machines, and sometimes a permutation with them. Default false.
   */
  readonly relaxed?: boolean | undefined;
  /** Accept tensors with NaN or infinities. Default false: such a model is refused. */
  readonly allowNonfinite?: boolean | undefined;
}

/** Some of the options of `T` with their defaults in place. */
export type Settled<T, K extends keyof T = keyof T> = { readonly [P in K]-?: NonNullable<T[P]> };

/** What an option's value must be, in words of `typeof` where they do. */
const EXPECTED = {
  number: "a number",
  string: "a string",
  boolean: "true or false",
  function: "a function",
  object: "an object",
  list: "a list",
  signal: "an AbortSignal",
  any: "anything",
};
type OptionKind = keyof typeof EXPECTED;
type OptionTable = Readonly<Record<string, OptionKind>>;

type KindOf<V> = [V] extends [number]
  ? "number"
  : [V] extends [boolean]
    ? "boolean"
    : [V] extends [string]
      ? "string"
      : [V] extends [readonly unknown[]]
        ? "list"
        : [V] extends [AbortSignal]
          ? "signal"
          : [V] extends [(...given: never[]) => unknown]
            ? "function"
            : OptionKind;

/** The kind of every option of `T`: a missing one, or one of another type, does not compile. */
export type OptionKinds<T> = { readonly [K in keyof T]-?: KindOf<NonNullable<T[K]>> };

/** Of `Running`. */
export const RUNNING: OptionKinds<Running> = { signal: "signal", onProgress: "function" };

/** Of `Computing`. `checkThreads` refuses a wrong number of threads. */
export const COMPUTING: OptionKinds<Computing> = {
  threads: "any",
  simd: "boolean",
  relaxed: "boolean",
  allowNonfinite: "boolean",
};

/**
 * Throws `TypeError` for a key of `options` that is not in `kinds`, with the known ones, and for a value of another
 * type.
 */
export function checkOptions(caller: string, options: object, kinds: OptionTable): void {
  for (const [key, value] of Object.entries(options)) {
    const kind = Object.hasOwn(kinds, key) ? kinds[key]! : null;
    if (kind === null || !(value === undefined || isOf(kind, value))) throw optionFault(caller, key, value, kinds);
  }
}

function isOf(kind: OptionKind, value: unknown): boolean {
  if (kind === "any") return true;
  if (kind === "list") return Array.isArray(value);
  if (kind === "signal") return typeof (value as AbortSignal | null)?.throwIfAborted === "function";
  return typeof value === kind && value !== null;
}

function optionFault(caller: string, key: string, value: unknown, kinds: OptionTable): TypeError {
  if (!Object.hasOwn(kinds, key))
    return new TypeError(`${caller} option ${describe(key)}, expected one of ${Object.keys(kinds).join(", ")}`);
  return wrongType(`${caller} option "${key}"`, value, EXPECTED[kinds[key]!]);
}

/** `TypeError` that describes `value`. */
export function wrongType(name: string, value: unknown, expected: string): TypeError {
  const shown = value !== null && /^(object|function)$/.test(typeof value) ? typeof value : describe(value);
  return new TypeError(`${name} is ${shown}, expected ${expected}`);
}

/** Throws unless `value` is a number from `least` to `most`. */
export function checkNumber(name: string, value: number, least: number, most: number): void {
  if (typeof value !== "number") throw wrongType(name, value, EXPECTED.number);
  if (!(value >= least && value <= most))
    throw new RangeError(`${name} ${value}, expected a number from ${least} to ${most}`);
}

/** Throws `RangeError` unless `value` is an integer of at least `least`. */
export function checkInteger(name: string, value: number, least: number): void {
  if (typeof value !== "number") throw wrongType(name, value, EXPECTED.number);
  if (!(Number.isSafeInteger(value) && value >= least))
    throw new RangeError(`${name} ${value}, expected an integer from ${least}`);
}

/** Throws unless `threads` is "auto" or a positive integer. */
export function checkThreads(threads: number | "auto"): void {
  if (threads === "auto" || (Number.isSafeInteger(threads) && threads >= 1)) return;
  if (typeof threads !== "number" && typeof threads !== "string")
    throw wrongType("threads", threads, '"auto" or a positive integer');
  throw new RangeError(`threads ${threads}, expected "auto" or a positive integer`);
}
