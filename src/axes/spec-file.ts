/**
 * Specs as JSON: the `rebasin-spec/1` form, the reference form (`{ axes, reshape? }`, which lists voting tensors only),
 * and the canonical text that is hashed into a fingerprint.
 */

import { SpecError } from "../base/errors.ts";
import { findKeyFault } from "../base/json-keys.ts";
import { sha256Hex } from "../base/sha256.ts";
import { ANY_SIZE, formatAxis, parseAxis } from "./axis.ts";
import { checkNested } from "./spec-builder.ts";
import type { Axis, NestedPermutation, Spec, TensorSpec } from "./types.ts";

/** The `format` of spec files. */
export const SPEC_FORMAT = "rebasin-spec/1";

/** The format needs five levels. Anything far deeper is after the JSON parser's stack. */
const MAX_JSON_DEPTH = 64;

/**
 * Reads a spec from JSON text or from parsed JSON. `name`, such as that of its file, appears in messages and reports.
 *
 * @throws {SpecError} for invalid JSON, duplicate or unknown keys and anything malformed.
 *
 * @example
 * parseSpec('{ "format": "rebasin-spec/1", "tensors": { "fc.weight": { "axes": ["P1", "P0*49"] } }, "rest": "fixed" }');
 */
export function parseSpec(source: string | object, name?: string): Spec {
  const spec = parseSpecAt(source, name ?? "spec");
  return name === undefined ? spec : { ...spec, name };
}

/** The same without its name; `where` begins messages. */
export function parseSpecAt(source: string | object, where: string): Spec {
  const file = record(typeof source === "string" ? parseJson(source, where) : source, where);
  if (file.has("axes") && !file.has("format")) return parseReference(file, where);
  const format = file.get("format");
  if (format !== SPEC_FORMAT) throw new SpecError(`${where} has format ${show(format)}, expected ${show(SPEC_FORMAT)}`);
  knownKeys(file, ["format", "tensors", "permutations", "rest"], where);
  const tensors = new Map<string, TensorSpec>();
  for (const [name, value] of record(file.get("tensors"), `${where} "tensors"`)) {
    tensors.set(name, parseTensor(value, `${where} tensor ${name}`));
  }
  const permutations = new Map<string, NestedPermutation>();
  for (const [name, value] of record(file.get("permutations") ?? {}, `${where} "permutations"`)) {
    permutations.set(name, parseNested(name, value, `${where} permutation ${name}`));
  }
  const rest = file.get("rest") ?? "refused";
  if (rest !== "refused" && rest !== "fixed")
    throw new SpecError(`${where} has rest ${show(rest)}, expected "fixed" or "refused"`);
  return { tensors, permutations, rest, basis: "given", assumptions: [] };
}

/**
 * The canonical text: JSON with sorted keys, no whitespace and every default written out. What detection noted
 * (`family`, `why`, `frozen`) is left out: it explains the spec and does not change it.
 *
 * @throws {SpecError} for a spec of the reference form that is not bound to a model
 * (`resolveSpec(spec, model.tensors).spec` is).
 */
export function formatSpec(spec: Spec): string {
  refuseReference(spec);
  const tensors = sorted(spec.tensors).map(
    ([name, { axes, votes }]) => `${show(name)}:{"axes":${show(axes.map(formatAxis))},"votes":${votes}}`,
  );
  const permutations = sorted(spec.permutations).map(
    ([name, { outer, inner }]) => `${show(name)}:{"inner":${inner},"outer":${show(outer)}}`,
  );
  const body = `"permutations":{${permutations.join()}},"rest":${show(spec.rest)},"tensors":{${tensors.join()}}`;
  return `{"format":${show(SPEC_FORMAT)},${body}}`;
}

/** Lower-case hexadecimal SHA-256 of `formatSpec(spec)`. */
export async function specFingerprint(spec: Spec): Promise<string> {
  return sha256Hex(new TextEncoder().encode(formatSpec(spec)));
}

/** The spec as JSON for people to edit: one tensor a line, in the spec's order, defaults left out. */
export function prettySpec(spec: Spec): string {
  refuseReference(spec);
  const tensors = [...spec.tensors].map(([name, { axes, votes }]) => {
    const texts = axes.map((axis) => show(formatAxis(axis))).join(", ");
    return `    ${show(name)}: { "axes": [${texts}]${votes ? "" : ', "votes": false'} }`;
  });
  const permutations = [...spec.permutations].map(
    ([name, { outer, inner }]) => `    ${show(name)}: { "outer": ${show(outer)}, "inner": ${inner} }`,
  );
  const parts = [`  "format": ${show(SPEC_FORMAT)}`, `  "tensors": {\n${tensors.join(",\n")}\n  }`];
  if (permutations.length > 0) parts.push(`  "permutations": {\n${permutations.join(",\n")}\n  }`);
  if (spec.rest === "fixed") parts.push('  "rest": "fixed"');
  return `{\n${parts.join(",\n")}\n}\n`;
}

function refuseReference(spec: Spec): void {
  const unfitted =
    spec.rest === "reference" || [...spec.tensors.values()].some((tensor) => tensor.reshape !== undefined);
  if (unfitted)
    throw new SpecError(
      "spec is of the reference form, expected one bound to a model: resolveSpec(spec, model.tensors).spec",
    );
}

function parseJson(text: string, where: string): unknown {
  let value: unknown;
  const json = text.replace(/^\uFEFF/, "");
  const fault = findKeyFault(json, MAX_JSON_DEPTH);
  if (fault?.tooDeep !== undefined) {
    throw new SpecError(`${where} is nested ${fault.tooDeep} deep, expected at most ${MAX_JSON_DEPTH}`);
  }
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw new SpecError(
      `${where} is not JSON (${error instanceof Error ? error.message : error}), expected a spec file`,
    );
  }
  if (fault?.duplicate !== undefined) {
    throw new SpecError(`${where} has the key ${show(fault.duplicate)} twice in one object, expected once`);
  }
  return value;
}

function parseTensor(value: unknown, where: string): TensorSpec {
  const tensor = record(value, where);
  knownKeys(tensor, ["axes", "votes"], where);
  const votes = tensor.get("votes") ?? true;
  if (typeof votes !== "boolean") throw new SpecError(`${where} has votes ${show(votes)}, expected true or false`);
  return {
    axes: list(tensor.get("axes"), `${where} "axes"`).map((text, i) => axisOf(text, `${where} axis ${i}`)),
    votes,
  };
}

function axisOf(text: unknown, where: string): Axis {
  if (typeof text !== "string")
    throw new SpecError(`${where} is ${show(text)}, expected text such as "P1", "784" or "_"`);
  try {
    return parseAxis(text);
  } catch (error) {
    throw error instanceof SpecError ? new SpecError(`${where}: ${error.message}`) : error;
  }
}

function parseNested(name: string, value: unknown, where: string): NestedPermutation {
  const nested = record(value, where);
  knownKeys(nested, ["outer", "inner"], where);
  const outer = nested.get("outer");
  const inner = nested.get("inner");
  if (typeof outer !== "string" || typeof inner !== "number") {
    throw new SpecError(`${where} has outer ${show(outer)} and inner ${show(inner)}, expected a name and a size`);
  }
  return checkNested(name, { outer, inner });
}

/** `{ axes: { tensor: [name or null …] }, reshape?: { tensor: [size …] } }`. */
function parseReference(file: ReadonlyMap<string, unknown>, where: string): Spec {
  knownKeys(file, ["axes", "reshape"], where);
  const reshapes = record(file.get("reshape") ?? {}, `${where} "reshape"`);
  const tensors = new Map<string, TensorSpec>();
  for (const [name, value] of record(file.get("axes"), `${where} "axes"`)) {
    const place = `${where} tensor ${name}`;
    const axes = list(value, place).map((text, i) => axisOf(text ?? ANY_SIZE, `${place} axis ${i}`));
    const reshape = reshapes.get(name);
    tensors.set(name, {
      axes,
      votes: true,
      reshape: reshape === undefined ? undefined : sizes(reshape, axes.length, place),
    });
  }
  for (const name of reshapes.keys()) {
    if (!tensors.has(name)) throw new SpecError(`${where} reshapes ${name}, expected a tensor listed in "axes"`);
  }
  return { tensors, permutations: new Map(), rest: "reference", basis: "given", assumptions: [] };
}

function sizes(value: unknown, rank: number, where: string): number[] {
  const shape = list(value, `${where} "reshape"`);
  const legal = shape.length === rank && shape.every((size) => Number.isSafeInteger(size) && (size as number) >= 0);
  if (!legal) throw new SpecError(`${where} has reshape ${show(value)}, expected ${rank} sizes as it has ${rank} axes`);
  return shape as number[];
}

/** Own keys only, into a `Map`: `__proto__` is a legal name. */
function record(value: unknown, where: string): Map<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new SpecError(`${where} is ${Array.isArray(value) ? "a list" : show(value)}, expected an object`);
  }
  return new Map(Object.entries(value));
}

function list(value: unknown, where: string): unknown[] {
  if (!Array.isArray(value)) throw new SpecError(`${where} is ${show(value)}, expected a list`);
  return value;
}

function knownKeys(object: ReadonlyMap<string, unknown>, known: readonly string[], where: string): void {
  for (const key of object.keys()) {
    if (!known.includes(key))
      throw new SpecError(`${where} has the unknown key ${show(key)}, expected ${known.join(", ")}`);
  }
}

function sorted<T>(map: ReadonlyMap<string, T>): [string, T][] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

function show(value: unknown): string {
  return JSON.stringify(value) ?? "missing";
}
