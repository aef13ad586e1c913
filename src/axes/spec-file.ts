/**
 * Specs as JSON: the `rebasin-spec/1` and `rebasin-spec/2` forms, the reference form (`{ axes, reshape? }`, which lists
 * voting tensors only), and the canonical text that is hashed into a fingerprint.
 */

import { SpecError } from "../base/errors.ts";
import { findKeyFault } from "../base/json-keys.ts";
import { sha256Hex } from "../base/sha256.ts";
import { ANY_SIZE, formatAxis, isPermutationName, isStructured, parseAxis } from "./axis-text.ts";
import { checkNested } from "./spec-builder.ts";
import type { Axis, NestedPermutation, Slice, Spec, TensorSpec, UnitRole } from "./types.ts";

/** The `format` of spec files: the first that can express the spec is written, so that files stay as they were. */
export const SPEC_FORMATS = ["rebasin-spec/1", "rebasin-spec/2"] as const;

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
  const later = format === SPEC_FORMATS[1];
  if (!later && format !== SPEC_FORMATS[0])
    throw new SpecError(`${where} has format ${show(format)}, expected ${SPEC_FORMATS.map(show).join(" or ")}`);
  knownKeys(file, ["format", "tensors", "permutations", "rest", ...(later ? ["roles", "sizes"] : [])], where);
  const tensors = new Map<string, TensorSpec>();
  for (const [name, value] of record(file.get("tensors"), `${where} "tensors"`)) {
    tensors.set(name, parseTensor(value, `${where} tensor ${name}`, later));
  }
  const permutations = new Map<string, NestedPermutation>();
  for (const [name, value] of record(file.get("permutations") ?? {}, `${where} "permutations"`)) {
    permutations.set(name, parseNested(name, value, `${where} permutation ${name}`));
  }
  const roles = later ? parseRoles(file.get("roles") ?? {}, where) : new Map<string, UnitRole>();
  const rest = file.get("rest") ?? "refused";
  if (rest !== "refused" && rest !== "fixed")
    throw new SpecError(`${where} has rest ${show(rest)}, expected "fixed" or "refused"`);
  const sizes = later ? parseSizes(file.get("sizes") ?? {}, where) : new Map<string, number>();
  const plain: Spec = { tensors, permutations, rest, basis: "given", assumptions: [] };
  const spec = sizes.size === 0 ? plain : { ...plain, sizes };
  if (!later && formatOf(spec) !== format)
    throw new SpecError(
      `${where} nests permutations in nested ones or has blocks, expected format ${show(SPEC_FORMATS[1])}`,
    );
  return roles.size === 0 ? spec : { ...spec, roles };
}

/** The first format that can express it. */
function formatOf({ tensors, permutations, sizes }: Spec): string {
  const isLater =
    (sizes !== undefined && sizes.size > 0) ||
    [...tensors.values()].some(({ axes, slice }) => slice !== undefined || axes.some(isStructured)) ||
    [...permutations.values()].some(({ outer }) => permutations.has(outer));
  return SPEC_FORMATS[isLater ? 1 : 0];
}

/** `{ "P0": 2 }`. */
function parseSizes(value: unknown, where: string): Map<string, number> {
  const sizes = new Map<string, number>();
  for (const [name, size] of record(value, `${where} "sizes"`)) {
    if (!isPermutationName(name) || !Number.isSafeInteger(size) || (size as number) < 1)
      throw new SpecError(`${where} size of ${show(name)} is ${show(size)}, expected an integer of at least 1`);
    sizes.set(name, size as number);
  }
  return sizes;
}

const sizesText = (sizes: ReadonlyMap<string, number>): string =>
  sorted(sizes)
    .map(([name, size]) => `${show(name)}:${size}`)
    .join();

/** `{ "ffn": ["P1", "P2"] }`, as names → roles. */
function parseRoles(value: unknown, where: string): Map<string, UnitRole> {
  const roles = new Map<string, UnitRole>();
  for (const [role, names] of record(value, `${where} "roles"`))
    for (const name of list(names, `${where} role ${role}`)) {
      if (typeof name !== "string" || !isPermutationName(name) || roles.has(name))
        throw new SpecError(
          `${where} role ${role} has ${show(name)}, expected names of permutations, each in one role`,
        );
      roles.set(name, role);
    }
  return roles;
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
    ([name, { axes, votes, slice }]) =>
      `${show(name)}:{"axes":${show(axes.map(formatAxis))},${slice === undefined ? "" : `"slice":${sliceText(slice)},`}"votes":${votes}}`,
  );
  const permutations = sorted(spec.permutations).map(
    ([name, { outer, inner }]) => `${show(name)}:{"inner":${inner},"outer":${show(outer)}}`,
  );
  const sizes = spec.sizes === undefined || spec.sizes.size === 0 ? "" : `"sizes":{${sizesText(spec.sizes)}},`;
  const body = `"permutations":{${permutations.join()}},"rest":${show(spec.rest)},${sizes}"tensors":{${tensors.join()}}`;
  return `{"format":${show(formatOf(spec))},${body}}`;
}

const sliceText = ({ at, of, series }: Slice): string => `{"at":${at},"of":${show(of)},"series":${show(series)}}`;

/** Lower-case hexadecimal SHA-256 of `formatSpec(spec)`. */
export async function specFingerprint(spec: Spec): Promise<string> {
  return sha256Hex(new TextEncoder().encode(formatSpec(spec)));
}

/** The spec as JSON for people to edit: one tensor a line, in the spec's order, defaults left out. */
export function prettySpec(spec: Spec): string {
  refuseReference(spec);
  const roles = spec.roles ?? new Map<string, UnitRole>();
  const tensors = [...spec.tensors].map(([name, { axes, votes, slice }]) => {
    const texts = axes.map((axis) => show(formatAxis(axis))).join(", ");
    const part = slice === undefined ? "" : `, "slice": ${sliceText(slice)}`;
    return `    ${show(name)}: { "axes": [${texts}]${part}${votes ? "" : ', "votes": false'} }`;
  });
  const permutations = [...spec.permutations].map(
    ([name, { outer, inner }]) => `    ${show(name)}: { "outer": ${show(outer)}, "inner": ${inner} }`,
  );
  const format = roles.size > 0 ? SPEC_FORMATS[1] : formatOf(spec);
  const parts = [`  "format": ${show(format)}`, `  "tensors": {\n${tensors.join(",\n")}\n  }`];
  if (permutations.length > 0) parts.push(`  "permutations": {\n${permutations.join(",\n")}\n  }`);
  if (spec.sizes !== undefined && spec.sizes.size > 0)
    parts.push(`  "sizes": { ${sizesText(spec.sizes).replaceAll(":", ": ").replaceAll(",", ", ")} }`);
  if (roles.size > 0) parts.push(`  "roles": {\n${rolesText(roles)}\n  }`);
  if (spec.rest === "fixed") parts.push('  "rest": "fixed"');
  return `{\n${parts.join(",\n")}\n}\n`;
}

/** One role a line, with the names that have it. */
function rolesText(roles: ReadonlyMap<string, UnitRole>): string {
  const names = new Map<UnitRole, string[]>();
  for (const [name, role] of roles) names.set(role, [...(names.get(role) ?? []), name]);
  return [...names].map(([role, own]) => `    ${show(role)}: [${own.map(show).join(", ")}]`).join(",\n");
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

function parseTensor(value: unknown, where: string, later: boolean): TensorSpec {
  const tensor = record(value, where);
  knownKeys(tensor, ["axes", "votes", ...(later ? ["slice"] : [])], where);
  const votes = tensor.get("votes") ?? true;
  if (typeof votes !== "boolean") throw new SpecError(`${where} has votes ${show(votes)}, expected true or false`);
  const axes = list(tensor.get("axes"), `${where} "axes"`).map((text, i) => axisOf(text, `${where} axis ${i}`));
  const slice = tensor.get("slice");
  return slice === undefined ? { axes, votes } : { axes, votes, slice: parseSlice(slice, `${where} slice`) };
}

function parseSlice(value: unknown, where: string): Slice {
  const slice = record(value, where);
  knownKeys(slice, ["of", "at", "series"], where);
  const [of, at, series] = ["of", "at", "series"].map((key) => slice.get(key));
  const fits = typeof of === "string" && isPermutationName(of) && typeof series === "string";
  if (!fits || !Number.isSafeInteger(at) || (at as number) < 0)
    throw new SpecError(
      `${where} is ${show(value)}, expected { "of": a permutation, "at": its slot, "series": a name }`,
    );
  return { of, at: at as number, series };
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
