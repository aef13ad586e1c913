/**
 * Models whose products leave f32's range: scaled by powers of two, which is exact, so the permutations are those of
 * the same models at any other scale. Loaded when a matching meets one.
 */

import { asFloat64 } from "../../base/aligned.ts";
import { enumerateOffsets, inPlace } from "./offsets.ts";
import type { TensorOutline } from "./problem.ts";
import { createStaging, plainWriters, type WriteValues } from "./staging.ts";
import type { ModelSide } from "./voting-values.ts";
import type { InRange, Workspace } from "./workspace.ts";

/** Magnitudes that f32 stages of f64 without loss: from here on f64 is always scaled. */
const [LEAST_STAGED, GREATEST_STAGED] = [2 ** -60, 2 ** 60];

/**
 * Greatest |a|·|b| at which costs, sums of up to 2^40 such products, are within f32's range; and the least at which
 * products of ordinary weights, next to the greatest, are.
 */
const [LEAST, GREATEST] = [2 ** -30, 2 ** 80];

/**
 * Greatest product over the typical one, as exponents, from which matrices are computed again at each visit. An update
 * subtracts the old part, and what rounding had removed from it is missing.
 */
const SPREAD = 30;

/** Exponent that the product of two typical weights must have at least, to differ from 0 in f32 by some digits. */
const LEAST_PRODUCT = -120;

/** Exponents of the greatest product between which objectives fit f64. */
const [LEAST_OBJECTIVE, GREATEST_OBJECTIVE] = [-900, 900];

/** What is known of the values of one model's voting tensors; exponents are those of powers of two. */
interface Magnitudes {
  readonly largest: number;
  /** Of which tensor. */
  readonly tensor: TensorOutline | undefined;
}

/** See `bringIntoRange`. */
export async function scaleIntoRange(
  workspace: Workspace,
  names: readonly [a: string, b: string],
  allowNonfinite: boolean,
): Promise<InRange> {
  const sides = [
    await measure(workspace, "a", names[0], allowNonfinite),
    await measure(workspace, "b", names[1], allowNonfinite),
  ] as const;
  const [a, b] = [sides[0].largest, sides[1].largest];
  // Of a model of zeros every product is 0.
  if (a === 0 || b === 0) return { workspace, unit: 1 };
  const typical = [await typicalExponent(workspace, "a"), await typicalExponent(workspace, "b")] as const;
  const [ea, eb] = [exponentOf(a), exponentOf(b)];
  const far = ea + eb - typical[0] - typical[1] > SPREAD;
  const kept = far ? { ...workspace.kept, shared: true } : workspace.kept;
  const wide = workspace.problem.tensors.some(({ dtype }) => dtype === "F64");
  const staged = !wide || [a, b].every((largest) => largest >= LEAST_STAGED && largest <= GREATEST_STAGED);
  if (a * b >= LEAST && a * b <= GREATEST && staged) return { workspace: { ...workspace, kept }, unit: 1 };
  const sum = ea + eb;
  // Room above for sums of products, and as much as there is below for products of lesser weights.
  const target = a * b > GREATEST ? exponentOf(GREATEST) - 1 : a * b < LEAST ? 0 : sum;
  const half = Math.trunc(target / 2);
  const shifts = [half - ea, target - half - eb] as const;
  checkRoom(workspace, names, sides, typical, sum, shifts[0] + shifts[1]);
  const { kernels, problem, staged: at } = workspace;
  const writerOf = (shift: number): WriteValues => scaledWriter(workspace, shift, allowNonfinite);
  const staging = createStaging(kernels, problem, at, [writerOf(shifts[0]), writerOf(shifts[1])]);
  return {
    workspace: { ...workspace, kept, staging },
    unit: 2 ** -(shifts[0] + shifts[1]),
    // A zero would have to stand for what is not finite.
    exact: wide && far && !allowNonfinite ? (orders) => objectiveOf(workspace, orders) : undefined,
  };
}

/** Σ ⟨A, π(B)⟩ of the values as in the files, in f64. */
async function objectiveOf(workspace: Workspace, orders: readonly Int32Array[]): Promise<number> {
  let sum = 0;
  for (const [t, { cells, elements }] of workspace.problem.tensors.entries()) {
    const [a, b] = [new Float64Array(elements), new Float64Array(elements)];
    await eachPiece(workspace, "a", t, (values, from) => a.set(values, from));
    await eachPiece(workspace, "b", t, (values, from) => b.set(values, from));
    for (const { dims, base } of cells) {
      const to = enumerateOffsets(dims, base, inPlace);
      const from = enumerateOffsets(dims, base, (p) => orders[p]!);
      for (let e = 0; e < to.length; e++) sum += a[to[e]!]! * b[from[e]!]!;
    }
  }
  return sum;
}

/** Throws `RangeError` where f32 cannot hold typical products next to the greatest, or f64 not the objective. */
function checkRoom(
  { problem }: Workspace,
  names: readonly [string, string],
  sides: readonly [Magnitudes, Magnitudes],
  typical: readonly [number, number],
  sum: number,
  shift: number,
): void {
  const fits = sum > LEAST_OBJECTIVE && sum < GREATEST_OBJECTIVE;
  if (fits && typical[0] + typical[1] + shift >= LEAST_PRODUCT) return;
  const spreads = sides.map(({ largest }, at) => exponentOf(largest) - typical[at]!);
  const at = spreads[0]! >= spreads[1]! ? 0 : 1;
  const { tensor, largest } = sides[at];
  const number = problem.tensors.indexOf(tensor!);
  const acting = problem.permutations.find((_, p) => problem.occurrences[p]!.some((each) => each.tensor === number));
  const { name } = acting ?? problem.permutations[0] ?? { name: "none" };
  const why = fits
    ? `2^${spreads[at]} times a typical weight: costs of permutation ${name} do not fit 32-bit floats, expected weights closer together (zero or clip it)`
    : `so products in the costs of permutation ${name} do not fit 64-bit floats, expected magnitudes from 2^-450 to 2^450`;
  throw new RangeError(`${names[at]}: ${tensor!.name} reaches ${largest}, ${why}`);
}

/**
 * Gives the values of a voting tensor to `use`, of F64 as they are in the file: views, and the element each begins
 * at.
 */
async function eachPiece(
  { kernels, problem, staging }: Workspace,
  side: ModelSide,
  t: number,
  use: (values: Float32Array | Float64Array, from: number) => void,
): Promise<void> {
  const { dtype, elements } = problem.tensors[t]!;
  if (dtype === "F64") return problem.values.read(side, t, (bytes, from) => use(asFloat64(bytes), from));
  use(kernels.f32((await staging.stage(t))[side], elements), 0);
}

async function measure(
  workspace: Workspace,
  side: ModelSide,
  name: string,
  allowNonfinite: boolean,
): Promise<Magnitudes> {
  let largest = 0;
  let tensor: TensorOutline | undefined;
  for (const [t, each] of workspace.problem.tensors.entries())
    await eachPiece(workspace, side, t, (values, from) => {
      for (let e = 0; e < values.length; e++) {
        const size = Math.abs(values[e]!);
        if (!(size < Number.POSITIVE_INFINITY) && !allowNonfinite)
          throw new RangeError(
            `${name}: ${each.name} has ${values[e]} at element ${from + e}, expected finite numbers`,
          );
        if (size > largest && size < Number.POSITIVE_INFINITY) [largest, tensor] = [size, each];
      }
    });
  return { largest, tensor };
}

/** The median exponent of what is not 0. */
async function typicalExponent(workspace: Workspace, side: ModelSide): Promise<number> {
  const lowest = -1074;
  const counts = new Uint32Array(1024 - lowest);
  let total = 0;
  const count = (values: Float32Array | Float64Array): void => {
    for (const value of values) {
      const size = Math.abs(value);
      if (!(size > 0 && size < Number.POSITIVE_INFINITY)) continue;
      counts[exponentOf(size) - lowest]!++;
      total++;
    }
  };
  for (const t of workspace.problem.tensors.keys()) await eachPiece(workspace, side, t, count);
  let below = 0;
  let at = -1;
  while (2 * below < total) below += counts[++at]!;
  return at + lowest;
}

const BITS = new DataView(new ArrayBuffer(8));

/** e with 2^e ≤ x < 2^(e+1), of a positive number. */
export function exponentOf(x: number): number {
  BITS.setFloat64(0, x);
  const biased = BITS.getUint32(0) >>> 20;
  return biased > 0 ? biased - 1023 : exponentOf(x * 2 ** 100) - 100;
}

/** Values times 2^shift: of f64 before they are rounded to f32, of others exactly. */
function scaledWriter({ kernels }: Workspace, shift: number, sanitize: boolean): WriteValues {
  const [plain] = plainWriters(kernels, sanitize);
  // Two factors: 2^shift alone may be beyond f32, or f64.
  const first = Math.trunc(shift / 2);
  const factors = [2 ** first, 2 ** (shift - first)] as const;
  return (pointer, bytes, tensor, count) => {
    if (tensor.dtype !== "F64") {
      plain(pointer, bytes, tensor, count);
      for (const factor of factors) kernels.wasm.combine32(pointer, pointer, pointer, count, factor, 0);
      return;
    }
    const target = kernels.f32(pointer, count);
    const values = asFloat64(bytes);
    for (let e = 0; e < values.length; e++) target[e] = values[e]! * factors[0] * factors[1];
    if (sanitize) kernels.wasm.zeroNonfinite32(pointer, count);
  };
}
