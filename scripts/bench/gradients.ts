/** `bench gradients`: steps of training on TensorFlow.js's wasm backend, with the kernels of src/run/tfjs/gradients and without. */

import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import { createRng } from "../../src/base/rng.ts";
import { registerGradients } from "../../src/run/tfjs/gradients/register.ts";
import { startQuietCpu } from "../../test/reference/gradient-checks.ts";
import type { BenchOptions, Pace } from "./options.ts";
import { digits, type Outcome, showRatio, table } from "./results.ts";
import { alternate, type Entrant, type Limits, ratioOf, type Timing, time } from "./timing.ts";

const LIMITS: Readonly<Record<Pace, Limits>> = {
  quick: { seconds: 5, least: 2, most: 10, patience: 10 },
  normal: { seconds: 20, least: 5, most: 40, patience: 60 },
  full: { seconds: 60, least: 7, most: 100, patience: 200 },
};

/** Images a step of the convolutional network: the cpu backend takes more than a second for each. */
const CONV_BATCH: Readonly<Record<Pace, number>> = { quick: 2, normal: 4, full: 8 };

/** Largest difference of a gradient between entrants, of its largest entry. */
const TOLERANCE = 1e-5;

/** A network as functions of its tensors, and its data. */
interface Problem {
  readonly name: string;
  readonly shapes: readonly number[][];
  readonly input: readonly number[];
  readonly classes: number;
  logits(tensors: readonly tf.Tensor[], images: tf.Tensor): tf.Tensor;
}

/** Where a problem is run. */
interface Place {
  readonly name: string;
  readonly backend: string;
  /** Its wasm kernels, where it matters which. */
  readonly kernels?: readonly tf.KernelConfig[];
}

/** 784-512-512-512-10. */
const mlp = (batch: number): Problem => ({
  name: `MLP 784-512-512-512-10, ${batch} images`,
  shapes: [[784, 512], [512], [512, 512], [512], [512, 512], [512], [512, 10], [10]],
  input: [batch, 784],
  classes: 10,
  logits(tensors, images) {
    let x = images;
    for (let i = 0; i < tensors.length; i += 2) {
      x = tf.add(tf.matMul(x as tf.Tensor2D, tensors[i] as tf.Tensor2D), tensors[i + 1]!);
      if (i < tensors.length - 2) x = tf.relu(x);
    }
    return x;
  },
});

const BLOCK = [[3, 3, 32, 32], [32], [32]];

/** Three times 3×3 convolution 32→32, LayerNorm, ReLU, two of them around a shortcut; the mean; a dense tensor. */
const convolutions = (batch: number): Problem => ({
  name: `3 convolutions 3×3 32→32 with LayerNorm on 14×14, ${batch} images`,
  shapes: [...BLOCK, ...BLOCK, ...BLOCK, [32, 10], [10]],
  input: [batch, 14, 14, 32],
  classes: 10,
  logits(tensors, images) {
    let x = images as tf.Tensor4D;
    for (const block of [0, 1, 2]) {
      const [filter, scale, shift] = tensors.slice(3 * block, 3 * block + 3) as [tf.Tensor4D, tf.Tensor, tf.Tensor];
      const y = tf.conv2d(x, filter, 1, "same");
      const { mean, variance } = tf.moments(y, -1, true);
      const normal = tf.mul(tf.sub(y, mean), tf.rsqrt(tf.add(variance, 1e-6)));
      const active = tf.relu(tf.add(tf.mul(normal, scale), shift)) as tf.Tensor4D;
      x = block === 0 ? active : tf.add(active, x);
    }
    return tf.add(tf.matMul(tf.mean(x, [1, 2]) as tf.Tensor2D, tensors[9] as tf.Tensor2D), tensors[10]!);
  },
});

interface Stepper extends Entrant {
  /** Gradients of the first step. */
  readonly gradients: readonly Float32Array[];
  end(): void;
}

/** Makes a place's backend and kernels those that run. */
async function enter({ backend, kernels = [] }: Place): Promise<void> {
  for (const kernel of kernels) {
    if (tf.getKernel(kernel.kernelName, "wasm") !== undefined) tf.unregisterKernel(kernel.kernelName, "wasm");
    tf.registerKernel(kernel);
  }
  await tf.setBackend(backend);
}

/** Forward, backward, and a step of SGD whose rate is so small that the network stays what it is. */
async function createStepper(problem: Problem, place: Place, seed: number): Promise<Stepper> {
  await enter(place);
  const rng = createRng(seed);
  const random = (shape: readonly number[], bound: number): tf.Tensor => {
    const count = shape.reduce((a, b) => a * b, 1);
    return tf.tensor(
      Float32Array.from({ length: count }, () => (2 * rng.uniform() - 1) * bound),
      [...shape],
    );
  };
  const fanIn = (shape: readonly number[]): number => shape.slice(0, -1).reduce((a, b) => a * b, 1);
  const variables = problem.shapes.map((shape) =>
    tf.tidy(() => tf.variable(random(shape, 1 / Math.sqrt(fanIn(shape))))),
  );
  const images = random(problem.input, 1);
  const labels = Int32Array.from({ length: problem.input[0]! }, () => rng.below(problem.classes));
  const target = tf.tidy(() => tf.cast(tf.oneHot(tf.tensor1d(labels, "int32"), problem.classes), "float32"));
  const loss = (): tf.Scalar => {
    const logits = problem.logits(variables, images);
    return tf.neg(tf.mean(tf.sum(tf.mul(tf.logSoftmax(logits), target), -1)));
  };
  const step = (): Float32Array[] => {
    const { value, grads } = tf.variableGrads(loss, variables);
    value.dataSync();
    tf.tidy(() => {
      for (const variable of variables) variable.assign(tf.sub(variable, tf.mul(grads[variable.name]!, 1e-9)));
    });
    const gradients = variables.map(({ name }) => Float32Array.from(grads[name]!.dataSync()));
    tf.dispose([value, ...Object.values(grads)]);
    return gradients;
  };
  const gradients = step();
  const run = async (calls: number): Promise<number> => {
    await enter(place);
    return time(() => {
      for (let call = 0; call < calls; call++) step();
    });
  };
  return { name: place.name, run, gradients, end: () => tf.dispose([...variables, images, target]) };
}

function worstDifference(a: readonly Float32Array[], b: readonly Float32Array[]): number {
  return Math.max(
    ...a.map((values, k) => {
      const largest = b[k]!.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      return values.reduce((most, value, i) => Math.max(most, Math.abs(value - b[k]![i]!)), 0) / largest;
    }),
  );
}

/** Times the places in turn; their gradients have to be those of the first. */
async function timeProblem(
  problem: Problem,
  places: readonly Place[],
  { seed, pace }: BenchOptions,
  faults: string[],
): Promise<{ timings: Timing[]; worst: number }> {
  const steppers: Stepper[] = [];
  for (const place of places) steppers.push(await createStepper(problem, place, seed));
  let worst = 0;
  for (const other of steppers.slice(1)) {
    const difference = worstDifference(steppers[0]!.gradients, other.gradients);
    if (!(difference <= TOLERANCE)) faults.push(`${problem.name}: ${other.name} differs by ${difference}`);
    worst = Math.max(worst, difference);
  }
  const timings = await alternate(steppers, LIMITS[pace]);
  for (const stepper of steppers) stepper.end();
  return { timings, worst };
}

/** Times both networks and describes what came out. */
export async function benchGradients(options: BenchOptions): Promise<Outcome> {
  await startQuietCpu();
  const stock = tf.getKernelsForBackend("wasm");
  registerGradients();
  const replaced = tf.getKernelsForBackend("wasm").filter((kernel) => !stock.includes(kernel));
  const names = new Set(replaced.map(({ kernelName }) => kernelName));
  const ours: Place = { name: "ours", backend: "wasm", kernels: replaced };
  const plain: Place = {
    name: "stock wasm",
    backend: "wasm",
    kernels: stock.filter((kernel) => names.has(kernel.kernelName)),
  };
  const cpu: Place = { name: "cpu backend", backend: "cpu" };
  const faults: string[] = [];
  const rows: string[][] = [];
  for (const [problem, rival] of [
    [convolutions(CONV_BATCH[options.pace]), cpu],
    [mlp(100), plain],
  ] as const) {
    const { timings, worst } = await timeProblem(problem, [ours, rival], options, faults);
    rows.push(describe(problem, timings, worst));
    console.log(rows.at(-1)!.join("  "));
  }
  await enter(ours);
  const body = [
    `A step of training: forward, backward, SGD; f32, one thread, seed ${options.seed}. TensorFlow.js ${tf.version_core}. "Stock" is the wasm`,
    "backend without our kernels; it has none for the gradient of a convolution's filter, so that convolutions can only be",
    "trained on the cpu backend. Gradients of the first step are compared: the largest difference of any entry, of the",
    "largest entry of its tensor.",
    "",
    table(["network", "rival", "ours ms", "rival ms", "rival / ours", "gradients differ by", "rounds"], rows),
  ];
  return { body: body.join("\n"), faults };
}

function describe({ name }: Problem, [mine, rival]: readonly Timing[], worst: number): string[] {
  const ms = ({ best, median }: Timing): string => `${digits(1e3 * best)} (${digits(1e3 * median)})`;
  const ratio = showRatio(ratioOf(rival!, mine!));
  return [name, rival!.name, ms(mine!), ms(rival!), ratio, worst.toExponential(1), String(mine!.rounds.size)];
}
