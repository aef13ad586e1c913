/** What is done with every tensor of models that differ a little: decided before any long work. */

import { type Difference, describeTensor } from "../base/compare-tensors.ts";
import { describe } from "../base/describe.ts";
import { DTYPES, type Dtype, isFloat } from "../base/dtype.ts";
import type { Model, TensorInfo } from "../base/model.ts";
import type { BridgeOptions } from "./bridge-types.ts";
import { type NamedSide, type NamePairing, pairNames } from "./pair-names.ts";
import { isSpare, tiedTo } from "./spare-tensors.ts";

/** How one of A's tensors is made. */
export type Course =
  /** Blended: read as `working` from all. */
  | { readonly kind: "shared"; readonly working: Dtype }
  /** A's in all views. `target`: A's other name of it. */
  | { readonly kind: "kept" | "kept-a"; readonly target?: string | undefined };

/** A tensor that A has not, and where it is from; `target`: A's name of what it is another name of. */
export interface Extra {
  readonly model: number;
  readonly name: string;
  readonly target?: string | undefined;
}

/** What is done with every tensor of every model. */
export interface BridgePlan {
  readonly models: readonly Model[];
  /** Of every model but A. */
  readonly pairings: readonly NamePairing[];
  /** By A's names. */
  readonly courses: ReadonlyMap<string, Course>;
  /** By the name that A would have for it. */
  readonly extras: ReadonlyMap<string, Extra>;
  /** What cannot be bridged, of every model but A. */
  readonly differences: readonly (readonly Difference[])[];
}

/** Decides. Reads tensors only where one could be another one's second name. */
export async function planBridge(models: readonly Model[], options: BridgeOptions): Promise<BridgePlan> {
  const [a, ...others] = models as [Model, ...Model[]];
  const keeps = keeping(options.keepA);
  const pairings = others.map((b) => pairNames(sideOf(a), sideOf(b)));
  const differences = others.map((): Difference[] => []);
  const courses = new Map<string, Course>();
  for (const [name, info] of a.tensors) {
    const found = others.map((b, i) => b.tensors.get(pairings[i]!.pairs.get(name) ?? ""));
    const course = keeps(name) ? { kind: "kept-a" as const } : await courseOf(a, name, info, found, options);
    courses.set(name, course ?? { kind: "kept" });
    if (course === undefined)
      for (const [i, other] of found.entries()) differences[i]!.push(...differencesOf(name, info, other));
  }
  const extras = await findExtras(models, pairings, keeps, differences, options.signal);
  const idle = options.keepA?.find((one) => ![...a.tensors.keys(), ...extras.keys()].some(keeping([one])));
  if (idle !== undefined)
    throw new RangeError(
      `${describe(idle)} of --keep-a (keepA) fits no tensor's name, expected NAME, or NAME* for all that start so`,
    );
  return { models, pairings, courses, extras, differences };
}

/** A model's names, for pairing. */
export const sideOf = ({ tensors }: Model): NamedSide => ({
  names: tensors.keys(),
  isSpare: (name: string) => isSpare(name, tensors.get(name)),
});

/** True for names that a pattern of `keepA` means. */
function keeping(patterns: readonly string[] | undefined): (name: string) => boolean {
  const list = patterns ?? [];
  return (name) => list.some((one) => (one.endsWith("*") ? name.startsWith(one.slice(0, -1)) : name === one));
}

/** Undefined where the tensors cannot be blended. */
async function courseOf(
  a: Model,
  name: string,
  info: TensorInfo,
  found: readonly (TensorInfo | undefined)[],
  options: BridgeOptions,
): Promise<Course | undefined> {
  const fits = found.every((other) => other !== undefined && fitsTogether(info, other));
  if (fits)
    return { kind: "shared", working: workingDtype([info, ...(found as TensorInfo[])], finalDtype(info, options)) };
  if (isSpare(name, info)) return { kind: "kept" };
  if (found.some((other) => other !== undefined)) return undefined;
  const target = await tiedTo(a, name, options.signal);
  return target === undefined ? undefined : { kind: "kept", target };
}

function fitsTogether(x: TensorInfo, y: TensorInfo): boolean {
  return x.shape.join() === y.shape.join() && (x.dtype === y.dtype || (isFloat(x.dtype) && isFloat(y.dtype)));
}

/** What a tensor of A is written in. */
export function finalDtype({ dtype }: TensorInfo, options: BridgeOptions): Dtype {
  return options.dtype !== undefined && isFloat(dtype) ? options.dtype : dtype;
}

/** The files' own where nothing is to be converted; else F32, or F64 where that is what all are, or what is written. */
function workingDtype(infos: readonly TensorInfo[], final: Dtype): Dtype {
  const [first] = infos;
  const equal = infos.every(({ dtype }) => dtype === first!.dtype);
  if (equal && (final === first!.dtype || DTYPES[final].kind !== "float")) return first!.dtype;
  const wide = final === "F64" || (equal && first!.dtype === "F64" && final === "F32");
  return wide ? "F64" : "F32";
}

function differencesOf(tensor: string, info: TensorInfo, other: TensorInfo | undefined): Difference[] {
  const a = describeTensor(info);
  if (other === undefined) return [{ kind: "missing", tensor, a, b: null }];
  if (fitsTogether(info, other)) return [];
  const kind = info.shape.join() === other.shape.join() ? "dtype" : "shape";
  return [{ kind, tensor, a, b: describeTensor(other) }];
}

/** What only the others have; what cannot be taken over is added to `differences`. */
async function findExtras(
  models: readonly Model[],
  pairings: readonly NamePairing[],
  keeps: (name: string) => boolean,
  differences: readonly Difference[][],
  signal: AbortSignal | undefined,
): Promise<Map<string, Extra>> {
  const extras = new Map<string, Extra>();
  for (const [i, { onlyB, asA, pairs }] of pairings.entries()) {
    const b = models[i + 1]!;
    const nameOfA = new Map([...pairs].map(([ofA, ofB]) => [ofB, ofA]));
    for (const name of onlyB) {
      const called = asA(name);
      if (keeps(called) || extras.has(called) || models[0]!.tensors.has(called)) continue;
      const info = b.tensors.get(name)!;
      const tied = isSpare(name, info) ? undefined : await tiedTo(b, name, signal);
      const target = tied === undefined ? undefined : nameOfA.get(tied);
      if (isSpare(name, info) || target !== undefined) extras.set(called, { model: i + 1, name, target });
      else differences[i]!.push({ kind: "extra", tensor: called, a: null, b: describeTensor(info) });
    }
  }
  return extras;
}
