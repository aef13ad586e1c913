/** Kernels for the wasm backend against those of the cpu backend. */

import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { registerGradients } from "../../src/run/tfjs/gradients/register.ts";
import {
  computeOn,
  relativeDifference,
  startQuietCpu,
  uniformValues,
  type Values,
} from "../reference/gradient-checks.ts";

const test = suite("gradients: kernels");

/** Of the largest entry of each tensor. */
const TOLERANCE = 1e-5;

type Pad = "same" | "valid" | number | [[number, number], [number, number], [number, number], [number, number]];
type Case = { size: [number, number]; channels: [number, number]; taps: [number, number]; strides: number; pad: Pad };

test.before(async () => {
  await startQuietCpu();
  registerGradients();
  await tf.setBackend("wasm");
});

async function checkBackends(
  name: string,
  inputs: Values[],
  compute: (...tensors: tf.Tensor[]) => readonly tf.Tensor[],
): Promise<void> {
  const before = tf.memory();
  const ours = await computeOn("wasm", inputs, compute);
  const theirs = await computeOn("cpu", inputs, compute);
  for (const [i, values] of ours.entries()) {
    const difference = relativeDifference(values, theirs[i]!);
    assert.ok(
      difference <= TOLERANCE,
      `${name} output ${i} [${values.shape}] differs by ${difference} from [${theirs[i]!.shape}]`,
    );
  }
  const after = tf.memory();
  assert.is(after.numTensors, before.numTensors, `${name}: tensors`);
  assert.is(after.numDataBuffers, before.numDataBuffers, `${name}: buffers`);
}

/** Sizes, channels, taps, strides and paddings, each with several of the others. */
function cases(): Case[] {
  const list: Case[] = [];
  const channels: [number, number][] = [
    [1, 4],
    [3, 2],
    [6, 5],
  ];
  const explicit: Pad = [
    [0, 0],
    [1, 2],
    [0, 1],
    [0, 0],
  ];
  for (const taps of [1, 3, 5]) {
    for (const strides of [1, 2]) {
      for (const pad of ["same", "valid", 1, explicit] as Pad[]) {
        const turn = list.length;
        const size: [number, number] = turn % 2 === 0 ? [8, 6] : [7, 9];
        list.push({ size, channels: channels[turn % 3]!, taps: [taps, taps], strides, pad });
        list.push({ size: [9, 8], channels: channels[(turn + 1) % 3]!, taps: [taps, taps], strides, pad });
      }
    }
  }
  const uneven: Case = { size: [8, 9], channels: [6, 3], taps: [3, 1], strides: 2, pad: "same" };
  // A padding beyond the filter's reach, rows that no tap reads, a stride of 3.
  const far: Case = { ...uneven, taps: [3, 3], strides: 1, pad: 4 };
  return [...list, uneven, { ...uneven, taps: [1, 5] }, far, { ...far, taps: [1, 1], pad: 2 }, { ...far, strides: 3 }];
}

function describe({ size, channels, taps, strides, pad }: Case): string {
  return `${size.join("×")}×${channels.join("→")} taps ${taps.join("×")} stride ${strides} pad ${JSON.stringify(pad)}`;
}

/** Input, filter and dY of a convolution, depthwise or not. */
function tensorsOf(each: Case, depthwise: boolean): { x: Values; filter: Values; dy: Values } {
  const x = [2, ...each.size, each.channels[0]] as [number, number, number, number];
  const filter = [...each.taps, ...each.channels] as typeof x;
  const { outShape } = tf.backend_util.computeConv2DInfo(
    x,
    filter,
    each.strides,
    1,
    each.pad as "same",
    undefined,
    depthwise,
  );
  return { x: uniformValues(x, 1), filter: uniformValues(filter, 2), dy: uniformValues(outShape, 3) };
}

test("gradients of a convolution's filter and input are those of the cpu backend", async () => {
  for (const each of cases()) {
    const { x, filter, dy } = tensorsOf(each, false);
    const attributes = { strides: each.strides, pad: each.pad, dataFormat: "NHWC" };
    await checkBackends(describe(each), [x, filter, dy], (tx, tfilter, tdy) => [
      tf.engine().runKernel(tf.Conv2DBackpropFilter, { x: tx!, dy: tdy! }, {
        ...attributes,
        filterShape: filter.shape,
      } as never),
      tf.engine().runKernel(tf.Conv2DBackpropInput, { dy: tdy!, filter: tfilter! }, {
        ...attributes,
        inputShape: x.shape,
      } as never),
    ]);
  }
});

test("gradients of a depthwise convolution's filter and input are those of the cpu backend", async () => {
  for (const each of cases()) {
    // The second number of channels is how many outputs each input has.
    const { x, filter, dy } = tensorsOf({ ...each, channels: [each.channels[0], each.channels[1] > 3 ? 1 : 2] }, true);
    const attributes = { strides: each.strides, pad: each.pad, dilations: 1 };
    await checkBackends(`depthwise ${describe(each)}`, [x, filter, dy], (tx, tfilter, tdy) => [
      tf.engine().runKernel(tf.DepthwiseConv2dNativeBackpropFilter, { x: tx!, dy: tdy! }, {
        ...attributes,
        filterShape: filter.shape,
      } as never),
      tf.engine().runKernel(tf.DepthwiseConv2dNativeBackpropInput, { dy: tdy!, filter: tfilter! }, {
        ...attributes,
        inputShape: x.shape,
      } as never),
    ]);
  }
});

test("channels-first convolutions are refused", () => {
  const tensors = [tf.zeros([1, 1, 3, 3]), tf.zeros([1, 1, 3, 3])];
  const attributes = { strides: 1, pad: "same", dataFormat: "NCHW", filterShape: [1, 1, 1, 1] } as never;
  assert.throws(
    () => tf.engine().runKernel(tf.Conv2DBackpropFilter, { x: tensors[0]!, dy: tensors[1]! }, attributes),
    /Conv2DBackpropFilter on the wasm backend has data format NCHW, expected NHWC/,
  );
  tf.dispose(tensors);
});

test("matrix products are those of the cpu backend, whatever is transposed and broadcast", async () => {
  for (const [left, right] of [
    [
      [5, 7],
      [7, 3],
    ],
    [
      [2, 5, 7],
      [2, 7, 3],
    ],
    [
      [2, 1, 5, 7],
      [1, 3, 7, 4],
    ],
    [
      [2, 5, 7],
      [1, 7, 3],
    ],
  ] as [number[], number[]][]) {
    for (const transposeA of [false, true]) {
      for (const transposeB of [false, true]) {
        const swap = (shape: number[], yes: boolean): number[] =>
          yes ? [...shape.slice(0, -2), shape.at(-1)!, shape.at(-2)!] : shape;
        const inputs = [uniformValues(swap(left, transposeA), 4), uniformValues(swap(right, transposeB), 5)];
        await checkBackends(`[${left}]·[${right}] ${transposeA} ${transposeB}`, inputs, (a, b) => [
          tf.matMul(a!, b!, transposeA, transposeB),
        ]);
      }
    }
  }
});

test("sums and means over any axes are those of the cpu backend", async () => {
  const x = uniformValues([3, 4, 5, 6], 6);
  for (let mask = 1; mask < 16; mask++) {
    const axes = [0, 1, 2, 3].filter((axis) => mask & (1 << axis));
    for (const keepDims of [false, true]) {
      await checkBackends(`axes ${axes}`, [x], (t) => [tf.sum(t!, axes, keepDims), tf.mean(t!, axes, keepDims)]);
    }
  }
  await checkBackends("negative axis", [x], (t) => [tf.sum(t!, -2), tf.sum(t!, [-3, 0]), tf.mean(t!, -1), tf.sum(t!)]);
  const numbers = tf.tensor2d([1, 2, 3, 4], [2, 2], "int32");
  const sums = tf.sum(numbers, 0);
  assert.is(sums.dtype, "int32");
  assert.equal([...sums.dataSync()], [4, 6]);
  tf.dispose([numbers, sums]);
});

test("a clone outlives the tensor it was made of, and frees the data at last", () => {
  const before = tf.memory().numDataBuffers;
  const x = tf.tensor1d([1, 2, 3]);
  const clone = tf.clone(x);
  x.dispose();
  assert.equal([...clone.dataSync()], [1, 2, 3]);
  const doubled = tf.mul(clone, 2);
  assert.equal([...doubled.dataSync()], [2, 4, 6]);
  tf.dispose([clone, doubled]);
  assert.is(tf.memory().numDataBuffers, before);
});

test("registering again changes nothing", () => {
  const kernel = tf.getKernel(tf.BatchMatMul, "wasm");
  const gradient = tf.getGradient(tf.Conv2D);
  registerGradients();
  assert.is(tf.getKernel(tf.BatchMatMul, "wasm"), kernel);
  assert.is(tf.getGradient(tf.Conv2D), gradient);
});

test.run();
