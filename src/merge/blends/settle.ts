/** Settings of a blend: checked, with defaults in place. */

import { checkInteger, checkNumber, wrongType } from "../../base/options.ts";
import { type BlendRule, type BlendSettings, LIST_SETTINGS, type SettledBlend } from "./blend.ts";
import { BLENDS, type BlendName, blendRule } from "./blends.ts";

type Check = (name: string, value: never) => void;

const finite = (name: string, value: number): void => checkNumber(name, value, -Number.MAX_VALUE, Number.MAX_VALUE);
const share = (name: string, value: number): void => checkNumber(name, value, 0, 1);
const oneOf =
  (...words: readonly string[]) =>
  (name: string, value: string): void => {
    if (!words.includes(value)) throw new RangeError(`${name} "${value}", expected one of ${words.join(", ")}`);
  };

const CHECKS: { readonly [K in keyof BlendSettings]-?: Check } = {
  lambda: share,
  weights: finite,
  density: share,
  gamma: share,
  epsilon: share,
  taskScale: finite,
  normalize(name: string, value: boolean) {
    if (typeof value !== "boolean") throw wrongType(name, value, "true or false");
  },
  rescale: oneOf("none", "norm", "density"),
  along: oneOf("tensor", "last", "first"),
  maxSteps: (name: string, value: number) => checkInteger(name, value, 1),
  tolerance: (name: string, value: number) => checkNumber(name, value, 0, Number.MAX_VALUE),
  offDiagonal: share,
};

/**
 * The settings that `blend` works with for `models` models, with defaults in place: a number in place of a list applies
 * to every model.
 *
 * @throws {RangeError} for an unknown blend, a setting that it does not have, a value out of range, and a list of
 * another length than there are models.
 * @throws {TypeError} for a value of another type.
 *
 * @example
 * settleBlend("linear", 2, { weights: [1, 3] }); // { weights: [1, 3], normalize: true }
 */
export function settleBlend(blend: BlendName, models: number, given: BlendSettings = {}): SettledBlend {
  const rule: BlendRule = blendRule(blend);
  if (typeof given !== "object" || given === null) throw wrongType("settings", given, "an object or a function");
  for (const [key, value] of Object.entries(given)) {
    if (value === undefined) continue;
    if (!Object.hasOwn(CHECKS, key))
      throw new RangeError(`setting "${key}", expected one of ${Object.keys(rule.settings).join(", ")}`);
    if (!Object.hasOwn(rule.settings, key)) throw new RangeError(strangerText(blend, key));
  }
  const settled: Record<string, unknown> = {};
  for (const [key, byDefault] of Object.entries(rule.settings)) {
    const value = given[key as keyof BlendSettings] ?? byDefault;
    const check = CHECKS[key as keyof BlendSettings] as (name: string, value: unknown) => void;
    settled[key] = isList(key) ? listOf(key, value, models, check) : value;
    if (!isList(key)) check(key, value);
  }
  rule.check?.(settled as SettledBlend);
  return settled as SettledBlend;
}

const isList = (key: string): boolean => (LIST_SETTINGS as readonly string[]).includes(key);

function listOf(
  key: string,
  value: unknown,
  models: number,
  check: (name: string, value: unknown) => void,
): readonly number[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : new Array(models).fill(value);
  if (list.length !== models)
    throw new RangeError(`${key} has ${list.length} numbers, expected ${models}: one for each model`);
  for (const [i, each] of list.entries()) check(Array.isArray(value) ? `${key}[${i}]` : key, each);
  return [...list] as number[];
}

function strangerText(blend: BlendName, key: string): string {
  const having = Object.entries(BLENDS).filter(([, { settings }]) => Object.hasOwn(settings, key));
  const names = having.map(([name]) => name).join(", ");
  return `setting "${key}" with blend "${blend}", expected it with ${names}`;
}
