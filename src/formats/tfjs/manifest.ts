/**
 * The manifest of weights of TensorFlow.js (tfjs-core/src/io/types.ts, WeightsManifestConfig): groups of tensors, whose
 * bytes follow each other, without gaps, through the group's files.
 */

import { describe } from "../../base/describe.ts";
import type { Dtype } from "../../base/dtype.ts";
import { FormatError } from "../../base/errors.ts";
import { tensorBytes } from "../../base/tensor-bytes.ts";
import { checkInnerPath } from "../../io/files.ts";

/** How a tensor's numbers are stored with fewer bits: value = scale × stored + min, or as half precision. */
export type Quantization =
  | { readonly dtype: "uint8" | "uint16"; readonly scale: number; readonly min: number }
  | { readonly dtype: "float16" };

export interface ManifestWeight {
  readonly name: string;
  readonly shape: readonly number[];
  /** As people see it: quantised ones as F32 or I32, half precision as F16. Undefined for text. */
  readonly dtype: Dtype | undefined;
  readonly quantization: Quantization | undefined;
  /** Bytes in the files; undefined for text, whose length is in the files. */
  readonly storedBytes: number | undefined;
}

export interface ManifestGroup {
  readonly paths: readonly string[];
  readonly weights: readonly ManifestWeight[];
}

const MAX_TENSORS = 1_000_000;
const MAX_FILES = 10_000;
const MAX_DIMENSIONS = 32;

const DTYPES: ReadonlyMap<unknown, Dtype | undefined> = new Map<unknown, Dtype | undefined>([
  ["float32", "F32"],
  ["int32", "I32"],
  ["bool", "BOOL"],
  ["complex64", "C64"],
  ["string", undefined],
]);

/** Checks the manifest of a file. Throws `FormatError`, naming file and tensor. */
export function readManifest(value: unknown, file: string): ManifestGroup[] {
  if (!Array.isArray(value))
    throw new FormatError(`${file} has the weightsManifest ${describe(value)}, expected a list of groups`);
  const names = new Set<string>();
  const paths = new Set<string>();
  return value.map((group: unknown, at): ManifestGroup => {
    const where = `${file} group ${at + 1}`;
    if (!isObject(group) || !Array.isArray(group.paths) || !Array.isArray(group.weights))
      throw new FormatError(`${where} is ${describe(group)}, expected paths and weights`);
    for (const path of group.paths as unknown[]) takePath(path, where, paths);
    const weights = (group.weights as unknown[]).map((weight) => readWeight(weight, where));
    for (const { name } of weights) {
      if (names.has(name)) throw new FormatError(`${file} tensor ${describe(name)} is there twice, expected it once`);
      names.add(name);
    }
    if (names.size > MAX_TENSORS) throw new FormatError(`${file} has more than ${MAX_TENSORS} tensors, expected fewer`);
    return { paths: group.paths as string[], weights };
  });
}

function takePath(path: unknown, where: string, paths: Set<string>): void {
  if (typeof path !== "string" || path === "")
    throw new FormatError(`${where} names the file ${describe(path)}, expected a path`);
  checkInnerPath(path, where);
  if (paths.has(path))
    throw new FormatError(`${where} names the file ${describe(path)} a second time, expected it once`);
  paths.add(path);
  if (paths.size > MAX_FILES) throw new FormatError(`${where} names file ${paths.size}, expected at most ${MAX_FILES}`);
}

function readWeight(weight: unknown, group: string): ManifestWeight {
  if (!isObject(weight) || typeof weight.name !== "string" || weight.name === "")
    throw new FormatError(`${group} has the tensor ${describe(weight)}, expected one with a name`);
  const { name, shape } = weight;
  const where = `${group} tensor ${describe(name)}`;
  if (!DTYPES.has(weight.dtype))
    throw new FormatError(`${where} has dtype ${describe(weight.dtype)}, expected ${[...DTYPES.keys()].join(", ")}`);
  if (!Array.isArray(shape) || shape.length > MAX_DIMENSIONS)
    throw new FormatError(`${where} has shape ${describe(shape)}, expected a list of at most ${MAX_DIMENSIONS} sizes`);
  const fault = (what: string): FormatError => new FormatError(`${where} ${what}`);
  const plain = DTYPES.get(weight.dtype);
  const quantization = readQuantization(weight.quantization, where, plain);
  const dtype = quantization?.dtype === "float16" ? "F16" : plain;
  const sizes = shape as number[];
  // Also of text, whose elements have four bytes at least.
  const elements = tensorBytes({ dtype: "U8", shape: sizes }, fault);
  const values = tensorBytes({ dtype: dtype ?? "U32", shape: sizes }, fault);
  const stored =
    quantization === undefined || quantization.dtype === "float16"
      ? values
      : elements * (quantization.dtype === "uint8" ? 1 : 2);
  return { name, shape: sizes, dtype, quantization, storedBytes: dtype === undefined ? undefined : stored };
}

function readQuantization(value: unknown, where: string, dtype: Dtype | undefined): Quantization | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isObject(value)) throw new FormatError(`${where} has quantization ${describe(value)}, expected an object`);
  const { dtype: stored, scale, min } = value;
  if (stored === "float16" && dtype === "F32") return { dtype: stored };
  if ((stored !== "uint8" && stored !== "uint16") || (dtype !== "F32" && dtype !== "I32"))
    throw new FormatError(
      `${where} is quantised as ${describe(stored)}, expected uint8, uint16 or float16 for floats, uint8 or uint16 for int32`,
    );
  if (!Number.isFinite(scale) || !Number.isFinite(min))
    throw new FormatError(`${where} has scale ${describe(scale)} and min ${describe(min)}, expected two numbers`);
  return { dtype: stored, scale: scale as number, min: min as number };
}

/** True for what JSON calls an object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
