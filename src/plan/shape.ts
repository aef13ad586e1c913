/** What a value of JSON must be, as data: the checker, the defaults and the JSON Schema all read it. */

import { describe } from "../base/describe.ts";
import { FormatError } from "../base/errors.ts";

/** Where a value is: keys and indices from the outermost value on. */
export type KeyPath = readonly (string | number)[];

/** A kind of value. */
export type Shape =
  | { readonly kind: "text"; readonly of?: readonly string[] | undefined; readonly form?: TextForm | undefined }
  | { readonly kind: "number"; readonly min: number; readonly max: number; readonly integer?: boolean | undefined }
  | { readonly kind: "flag" }
  /** Another part of the library checks what is in it. */
  | { readonly kind: "object" }
  | { readonly kind: "list"; readonly item: Shape; readonly least?: number; readonly most?: number }
  | { readonly kind: "fields"; readonly fields: Fields }
  /** A value, a gradient over blocks (a list of values), or a list of `{ filter, value }`: see `settings.ts`. */
  | { readonly kind: "setting"; readonly value: Shape }
  | { readonly kind: "either"; readonly of: readonly Shape[] };

/** A text of a form: `sha256` is 64 digits in lower-case hexadecimal. */
export type TextForm = "sha256";

/** One key of an object. */
export interface Field {
  readonly shape: Shape;
  /** What it means, on one line: the JSON Schema shows it in editors. */
  readonly about: string;
  readonly required?: boolean | undefined;
  /** The value when the key is left out. */
  readonly fallback?: string | number | boolean | undefined;
  /** The key is for these values of another key of the same object. */
  readonly for?: { readonly key: string; readonly of: readonly string[] } | undefined;
}

/** The keys of an object, in the order in which a checked object has them. */
export type Fields = Readonly<Record<string, Field>>;

/** How messages name a place: by default its keys, `align.method`. */
export type Locate = (path: KeyPath) => string;

/**
 * The value with defaults in place and keys in the order of its table; the given value stays as it is.
 *
 * @throws {FormatError} for a value of another kind or out of range, and for missing, unknown or misplaced keys.
 */
export function checkShape(value: unknown, shape: Shape, locate: Locate, path: KeyPath = []): unknown {
  if (shape.kind === "either") return checkEither(value, shape.of, locate, path);
  if (shape.kind === "setting") return checkShape(value, settingShape(value, shape.value), locate, path);
  if (!isOfKind(value, shape)) throw fault(locate(path), `is ${shown(value)}`, expectedOf(shape));
  if (shape.kind === "list") return checkList(value as unknown[], shape, locate, path);
  if (shape.kind === "fields") return checkFields(value as object, shape.fields, locate, path);
  return value;
}

/** The shape of a setting that is written as `value` is. */
function settingShape(value: unknown, item: Shape): Shape {
  if (!Array.isArray(value)) return item;
  const isRules = typeof value[0] === "object" && value[0] !== null;
  return isRules ? settingRules(item) : { kind: "list", item, least: 1 };
}

/** A setting that is written as a list of `{ filter, value }`. */
export function settingRules(item: Shape): Shape {
  const shape: Shape = { kind: "either", of: [item, { kind: "list", item, least: 1 }] };
  const fields: Fields = {
    filter: { shape: { kind: "text" }, about: "part of the names of the tensors that it is for; * or none: all" },
    value: { shape, about: "for these tensors: a value, or a gradient over blocks", required: true },
  };
  return { kind: "list", item: { kind: "fields", fields }, least: 1 };
}

/** An error of a place. */
export function fault(place: string, found: string, expected: string): FormatError {
  return new FormatError(`${place} ${found}, expected ${expected}`);
}

/** `a.b[2].c` */
export function keyText(path: KeyPath): string {
  return path.map((key, i) => (typeof key === "number" ? `[${key}]` : i === 0 ? key : `.${key}`)).join("");
}

function checkEither(value: unknown, shapes: readonly Shape[], locate: Locate, path: KeyPath): unknown {
  const fitting = shapes.find((shape) => isOfKind(value, shape));
  if (fitting === undefined) throw fault(locate(path), `is ${shown(value)}`, shapes.map(expectedOf).join(", or "));
  return checkShape(value, fitting, locate, path);
}

function checkList(
  value: readonly unknown[],
  { item, least = 0, most = Number.POSITIVE_INFINITY }: Extract<Shape, { kind: "list" }>,
  locate: Locate,
  path: KeyPath,
): unknown[] {
  if (value.length < least) throw fault(locate(path), `has ${value.length} entries`, `at least ${least}`);
  if (value.length > most) throw fault(locate(path), `has ${value.length} entries`, `at most ${most}`);
  return value.map((each, i) => checkShape(each, item, locate, [...path, i]));
}

function checkFields(value: object, fields: Fields, locate: Locate, path: KeyPath): object {
  const given = new Map<string, unknown>(Object.entries(value));
  for (const key of given.keys()) {
    if (Object.hasOwn(fields, key)) continue;
    throw fault(locate([...path, key]), "is not known", `one of ${Object.keys(fields).join(", ")}`);
  }
  const checked = new Map<string, unknown>();
  for (const [key, field] of Object.entries(fields)) {
    const own = given.get(key) ?? undefined;
    if (own !== undefined) checked.set(key, checkShape(own, field.shape, locate, [...path, key]));
    else if (field.fallback !== undefined && isFor(field, checked)) checked.set(key, field.fallback);
    else if (field.required) throw fault(locate(path), `has no ${key}`, `${key}: ${expectedOf(field.shape)}`);
  }
  for (const [key, field] of Object.entries(fields)) {
    if (!checked.has(key) || isFor(field, checked)) continue;
    const at = keyText([...path, field.for!.key]);
    const found = `is for ${at} ${field.for!.of.join(" or ")}`;
    throw fault(locate([...path, key]), found, `no ${key} with ${describe(checked.get(field.for!.key) ?? null)}`);
  }
  return Object.fromEntries(checked);
}

/** The table has a key before those that are for some of its values. */
function isFor({ for: condition }: Field, checked: ReadonlyMap<string, unknown>): boolean {
  return condition === undefined || condition.of.includes(checked.get(condition.key) as string);
}

/** Of lists and objects, only that it is one. */
function isOfKind(value: unknown, shape: Shape): boolean {
  switch (shape.kind) {
    case "text":
      return typeof value === "string" && (shape.of?.includes(value) ?? fitsForm(value, shape.form));
    case "number":
      return isNumber(value, shape);
    case "flag":
      return typeof value === "boolean";
    case "list":
      return Array.isArray(value);
    case "fields":
    case "object":
      return typeof value === "object" && value !== null && !Array.isArray(value);
    case "either":
      return shape.of.some((each) => isOfKind(value, each));
    case "setting":
      return isOfKind(value, settingShape(value, shape.value));
  }
}

function fitsForm(text: string, form: TextForm | undefined): boolean {
  return form === "sha256" ? /^[0-9a-f]{64}$/.test(text) : text !== "";
}

function isNumber(value: unknown, { min, max, integer }: Extract<Shape, { kind: "number" }>): boolean {
  if (typeof value !== "number" || !(value >= min && value <= max)) return false;
  return integer !== true || Number.isSafeInteger(value);
}

/** In words, behind "expected". */
export function expectedOf(shape: Shape): string {
  switch (shape.kind) {
    case "text":
      if (shape.form === "sha256") return "64 digits in lower-case hexadecimal";
      return shape.of === undefined ? "a text" : `one of ${shape.of.join(", ")}`;
    case "number":
      return `${shape.integer === true ? "an integer" : "a number"} ${rangeOf(shape)}`;
    case "flag":
      return "true or false";
    case "list":
      return "a list";
    case "fields":
      return `an object with ${Object.keys(shape.fields).join(", ")}`;
    case "object":
      return "an object";
    case "either":
      return shape.of.map(expectedOf).join(", or ");
    case "setting":
      return `${expectedOf(shape.value)}, a list of such, or a list of { filter, value }`;
  }
}

function rangeOf({ min, max }: Extract<Shape, { kind: "number" }>): string {
  const least = min === Number.MIN_VALUE ? "above 0" : `from ${min}`;
  return max >= Number.MAX_SAFE_INTEGER ? least : `${least} to ${max}`;
}

/** Objects and lists by their kind: their text is of no use on one line. */
function shown(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" && value !== null ? "an object" : describe(value);
}
