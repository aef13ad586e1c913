/** What tables know of a model: names, shapes, its `config.json`, and the user's options. */

import { SpecError } from "../../base/errors.ts";
import type { Tensors } from "../modules.ts";
import type { DetectOptions } from "../options.ts";
import { compilePattern } from "./pattern.ts";

/** What users may state where neither shapes nor a configuration do; the options are `--heads`, `--head-dim`. */
export type Asked = "heads" | "headDim";

const OPTION_NAMES: Record<Asked, string> = { heads: "--heads N", headDim: "--head-dim N" };

export interface CheckpointFacts {
  readonly tensors: Tensors;
  /** Size of an axis (negative: from the end) of the first tensor of a pattern; undefined without such a tensor. */
  size(pattern: string, axis: number): number | undefined;
  has(pattern: string): boolean;
  /**
   * How many numbers a variable has in the tensors of a pattern: layers, experts. They must begin with 0 and have no
   * gap.
   */
  count(pattern: string, variable?: string): number;
  /** The value of the first of these keys that `config.json` has; `text_config.hidden_size` looks inside. */
  config(...keys: string[]): unknown;
  /** The same, a positive integer or undefined. Throws `SpecError` for another value. */
  number(...keys: string[]): number | undefined;
  /**
   * The user's value, else that of the configuration under one of `keys`, else `derived`. Throws `SpecError` that names
   * what to do where none is known.
   */
  ask(what: Asked, keys: readonly string[], derived?: number): number;
  /**
   * Heads of `rows` rows of queries, and units of each: by the options, by `keys` of the configuration, by its
   * `head_dim`, or by `perHead`, what shapes show of a head. Throws `SpecError` that names what to do where nothing
   * shows it.
   */
  heads(rows: number, keys: readonly string[], perHead?: number): { heads: number; headDim: number };
  /** `rows / by`; throws `SpecError` where that is no integer. */
  divide(rows: number, by: number, what: string): number;
}

/** `config` is the object of a `config.json`, null where there is none. */
export function createCheckpoint(
  tensors: Tensors,
  told: Pick<DetectOptions, Asked>,
  config: object | null,
): CheckpointFacts {
  const names = [...tensors.keys()];
  const find = (pattern: string): string | undefined => {
    const { regex } = compilePattern(pattern);
    return names.find((name) => regex.test(name));
  };
  return {
    tensors,
    has: (pattern) => find(pattern) !== undefined,
    size(pattern, axis) {
      const name = find(pattern);
      return name === undefined ? undefined : tensors.get(name)!.shape.at(axis);
    },
    count: (pattern, variable) => countNumbers(names, pattern, variable),
    ...configuration(told, config),
  };
}

/** The facts of a configuration and of the user. */
function configuration(
  told: Pick<DetectOptions, Asked>,
  given: object | null,
): Pick<CheckpointFacts, "config" | "number" | "ask" | "heads" | "divide"> {
  const config = (...keys: string[]): unknown =>
    keys.map((key) => lookUp(given, key)).find((value) => value !== undefined && value !== null);
  const number = (...keys: string[]): number | undefined => {
    const value = config(...keys);
    if (value === undefined || (Number.isSafeInteger(value) && (value as number) > 0))
      return value as number | undefined;
    throw new SpecError(`config.json has ${keys[0]} ${JSON.stringify(value)}, expected a positive integer`);
  };
  const ask = (what: Asked, keys: readonly string[], derived?: number): number => {
    const value: number | undefined = told[what] ?? number(...keys) ?? derived;
    if (value !== undefined) return value;
    const wayOn = `expected a config.json beside it, or ${OPTION_NAMES[what]}`;
    throw new SpecError(`model does not show its ${keys[0]} in names and shapes, ${wayOn}`);
  };
  const heads: CheckpointFacts["heads"] = (rows, keys, perHead) => {
    const units = told.headDim ?? number("head_dim", "text_config.head_dim") ?? perHead;
    const count = ask("heads", keys, units === undefined ? undefined : divide(rows, units, "queries"));
    return { heads: count, headDim: divide(rows, count, "queries") };
  };
  return { config, number, ask, heads, divide };
}

/** The value at `text_config.hidden_size`. */
function lookUp(config: object | null, key: string): unknown {
  return key.split(".").reduce<unknown>((at, word) => {
    const own = typeof at === "object" && at !== null && Object.hasOwn(at, word);
    return own ? (at as Record<string, unknown>)[word] : undefined;
  }, config);
}

function divide(rows: number, by: number, what: string): number {
  if (rows % by === 0) return rows / by;
  throw new SpecError(`model has ${rows} rows of ${what}, expected a multiple of ${by}`);
}

function countNumbers(names: readonly string[], pattern: string, variable: string | undefined): number {
  const { regex, variables } = compilePattern(pattern);
  const which = variable ?? variables[0]!;
  const found = new Set<number>();
  for (const name of names) {
    const groups = regex.exec(name)?.groups;
    if (groups !== undefined) found.add(Number(groups[which]));
  }
  for (let at = 0; at < found.size; at++)
    if (!found.has(at))
      throw new SpecError(`model has no ${pattern.replace(`{${which}}`, String(at))}, expected all numbers from 0`);
  return found.size;
}
