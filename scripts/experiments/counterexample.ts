/** The paper's counterexample: two perfect networks that no permutation connects. */

import { memoryModel } from "../../src/base/memory-model.ts";
import type { Model } from "../../src/base/model.ts";
import { detectSpec } from "../../src/families/detect-spec.ts";
import { barrier, type Curve, lambdas } from "../../src/measure/barrier.ts";
import { mergeModels } from "../../src/merge/merge-models.ts";
import { lineChart } from "../../src/report/line-chart.ts";
import type { Experiment, Outcome } from "./experiment.ts";

/** Rows of matrices are units. */
type Values = Readonly<Record<string, readonly number[]>>;

// Facts of the paper's Section "SGD is special" as its authors' src/sgd_is_special.py has them, turned to [out, in].
const A: Values = {
  "layers.0.weight": [1, 0, 0, -1],
  "layers.0.bias": [1, 0],
  "layers.1.weight": [-1, 0, 0, 1],
  "layers.1.bias": [1, 0],
  "layers.2.weight": [-1, -1],
  "layers.2.bias": [0],
};
const B: Values = {
  "layers.0.weight": [-1, 0, 0, 1],
  "layers.0.bias": [0, 1],
  "layers.1.weight": [1, 0, 0, -1],
  "layers.1.bias": [0, 1],
  "layers.2.weight": [-1, -1],
  "layers.2.bias": [0],
};
const SHAPES: Readonly<Record<string, readonly number[]>> = {
  "layers.0.weight": [2, 2],
  "layers.0.bias": [2],
  "layers.1.weight": [2, 2],
  "layers.1.bias": [2],
  "layers.2.weight": [1, 2],
  "layers.2.bias": [1],
};
/** Of PReLU. */
const SLOPE = 0.01;
/** Points a side of the grid over [−1, 1]², at the centres of its cells. */
const SIDE = 100;
const POINTS = 41;
const KEEP = Int32Array.of(0, 1);
const SWAP = Int32Array.of(1, 0);

function modelOf(name: string, values: Values): Model {
  const tensors = Object.entries(values).map(([tensor, numbers]) => {
    const data = new Uint8Array(Float32Array.from(numbers).buffer);
    return [tensor, { dtype: "F32", shape: SHAPES[tensor]!, data }] as const;
  });
  return memoryModel(new Map(tensors), { name });
}

async function valuesOf(model: Model): Promise<Float64Array> {
  const values: number[] = [];
  for (const name of Object.keys(SHAPES)) values.push(...new Float32Array((await model.read(name)).slice().buffer));
  return Float64Array.from(values);
}

const activate = (x: number): number => (x >= 0 ? x : SLOPE * x);

/** The network's output; at least 0 says yes. `v` holds all tensors one after another, in their order here. */
function outputAt(v: Float64Array, x1: number, x2: number): number {
  const h1 = activate(v[0]! * x1 + v[1]! * x2 + v[4]!);
  const h2 = activate(v[2]! * x1 + v[3]! * x2 + v[5]!);
  const g1 = activate(v[6]! * h1 + v[7]! * h2 + v[10]!);
  const g2 = activate(v[8]! * h1 + v[9]! * h2 + v[11]!);
  return v[12]! * g1 + v[13]! * g2 + v[14]!;
}

/** Share of the grid that is answered wrong, where x₁ ≥ 0 and x₂ ≥ 0 is yes. */
async function errorOf(model: Model): Promise<number> {
  const values = await valuesOf(model);
  let wrong = 0;
  for (let i = 0; i < SIDE; i++) {
    for (let j = 0; j < SIDE; j++) {
      const [x1, x2] = [(2 * i + 1) / SIDE - 1, (2 * j + 1) / SIDE - 1];
      if (outputAt(values, x1, x2) >= 0 !== (x1 >= 0 && x2 >= 0)) wrong++;
    }
  }
  return wrong / SIDE ** 2;
}

export interface Swapped {
  readonly name: string;
  readonly swaps: readonly [first: boolean, second: boolean];
  /** Errors at equal steps from A to π(B): `loss` is the share of wrong answers. */
  readonly curve: Curve;
  readonly barrier: number;
}

/** All permutations that there are of two hidden units twice, with the errors on the way. */
export async function allPermutations(): Promise<Swapped[]> {
  const [a, b] = [modelOf("A", A), modelOf("B", B)];
  const spec = await detectSpec(a);
  const found: Swapped[] = [];
  for (const [name, first, second] of [
    ["nothing swapped", false, false],
    ["first hidden units swapped", true, false],
    ["second hidden units swapped", false, true],
    ["both swapped", true, true],
  ] as const) {
    const orders = new Map([
      ["P0", first ? SWAP : KEEP],
      ["P1", second ? SWAP : KEEP],
    ]);
    const points: Curve["points"][number][] = [];
    for (const lambda of lambdas(POINTS)) {
      const error = await errorOf(await mergeModels(a, b, spec, orders, { lambda }));
      points.push({ lambda, loss: error, accuracy: 1 - error });
    }
    const curve = { name, points };
    found.push({ name, swaps: [first, second], curve, barrier: barrier(curve).maxMinusMeanEndpoints });
  }
  return found;
}

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;

async function run(): Promise<Outcome> {
  const all = await allPermutations();
  const ends = [all[0]!.curve.points[0]!.loss, ...all.map(({ curve }) => curve.points.at(-1)!.loss)];
  const perfect = ends.every((error) => error === 0);
  const least = Math.min(...all.map(({ barrier: height }) => height));
  const chart = await lineChart(
    {
      series: all.map(({ name, curve }) => ({
        name,
        points: curve.points.map(({ lambda, loss }) => ({ x: lambda, y: 100 * loss })),
      })),
      x: { label: "λ, from A to π(B)" },
      y: { label: "wrong answers (%)" },
    },
    { title: "Every permutation there is", width: 700 },
  );
  const rows = all.map(({ name, curve, barrier: height }) => [
    name,
    percent(curve.points.at(-1)!.loss),
    percent(curve.points[(POINTS - 1) / 2]!.loss),
    percent(height),
  ]);
  return {
    explanation:
      "Two networks 2-2-2-1 with PReLU (slope 0.01) whose weights are written down by hand answer whether both inputs are at least 0. Both are right everywhere on the grid. " +
      "They have two hidden layers of two units, so B has four forms in all: each is put on a line with A, and the share of wrong answers is counted along it. Nothing is trained and nothing is matched.",
    claim:
      "linear mode connectivity is no property of architectures alone but of what SGD finds: there are perfect networks which no permutation connects.",
    held: perfect && least > 0,
    finding: `both are right on all ${(SIDE ** 2).toLocaleString("en")} points, and the lowest of the four barriers is ${percent(least)} of wrong answers.`,
    settings: { grid: `${SIDE}×${SIDE} points of [−1, 1]²`, points: POINTS, "PReLU slope": SLOPE },
    figures: {
      ends,
      permutations: all.map(({ name, swaps, curve, barrier: height }) => ({
        name,
        swaps,
        barrier: height,
        midpoint: curve.points[(POINTS - 1) / 2]!.loss,
        error: curve.points.map(({ loss }) => loss),
      })),
    },
    sections: [
      {
        heading: "Wrong answers between A and B",
        charts: [chart],
        tables: [
          { caption: "All four permutations", header: ["permutation of B", "at π(B)", "at ½", "barrier"], rows },
        ],
      },
    ],
  };
}

export const counterexample: Experiment = {
  name: "counterexample",
  title: "A pair that no permutation connects",
  summary: "two perfect networks with a barrier under each of the four permutations (makes its own data)",
  needsData: false,
  run,
};
