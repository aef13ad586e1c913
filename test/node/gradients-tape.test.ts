/** Registered gradients against finite differences, and steps that leave nothing behind. */

import "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { registerGradients } from "../../src/run/tfjs/gradients/register.ts";
import { finiteDifferenceError, uniformValues, type Values } from "../reference/gradient-checks.ts";

const test = suite("gradients: tape");

/** Central differences with steps of 1/64: their own error is of that order for curved functions. */
const TOLERANCE = 2e-3;

type Function = (...tensors: tf.Tensor[]) => tf.Tensor;

test.before(async () => {
  registerGradients();
  await tf.setBackend("wasm");
});

function check(name: string, inputs: Values[], f: Function): void {
  const before = tf.memory().numTensors;
  const error = finiteDifferenceError(inputs, f);
  assert.ok(error <= TOLERANCE, `gradient of ${name} is off by ${error} of its largest entry`);
  assert.is(tf.memory().numTensors, before, `${name}: tensors`);
}

/** Random numbers away from 0 by 0.1, where absolute values and ReLUs bend. */
function awayFromZero(shape: number[], seed: number): Values {
  const { values } = uniformValues(shape, seed);
  return { shape, values: values.map((value) => value + Math.sign(value) * 0.1) };
}

function positive(shape: number[], seed: number): Values {
  return { shape, values: uniformValues(shape, seed).values.map((value) => 1.1 + 0.9 * value) };
}

/** Distinct multiples of 0.1 in an order of no pattern: no two are close, so that extremes stay where they are. */
function distinct(shape: number[]): Values {
  const count = shape.reduce((a, b) => a * b, 1);
  return { shape, values: Float32Array.from({ length: count }, (_, i) => 0.1 * ((i * 7) % count) - 1) };
}

test("elementwise operations", () => {
  const functions: Record<string, Function> = {
    abs: (x) => tf.abs(x!),
    cos: (x) => tf.cos(x!),
    elu: (x) => tf.elu(x!),
    erf: (x) => tf.erf(x!),
    exp: (x) => tf.exp(x!),
    expm1: (x) => tf.expm1(x!),
    leakyRelu: (x) => tf.leakyRelu(x!, 0.3),
    neg: (x) => tf.neg(x!),
    relu: (x) => tf.relu(x!),
    sigmoid: (x) => tf.sigmoid(x!),
    sin: (x) => tf.sin(x!),
    softplus: (x) => tf.softplus(x!),
    square: (x) => tf.square(x!),
    tanh: (x) => tf.tanh(x!),
    identity: (x) => tf.mul(tf.clone(x!), tf.cast(x!, "float32")),
  };
  for (const [name, f] of Object.entries(functions)) check(name, [awayFromZero([3, 4], 1)], f);
  // Values 0.5, 1.5, … as inputs bend half-way between.
  const half = (x: tf.Tensor | undefined): tf.Tensor => tf.add(tf.mul(x!, 10), 0.5);
  check("clip", [distinct([4, 5])], (x) => tf.clipByValue(half(x), -5, 5));
  check("relu6", [distinct([4, 5])], (x) => tf.relu6(half(x)));
  for (const [name, f] of Object.entries<Function>({
    log: (x) => tf.log(x!),
    log1p: (x) => tf.log1p(x!),
    sqrt: (x) => tf.sqrt(x!),
    rsqrt: (x) => tf.rsqrt(tf.add(x!, 1)),
    reciprocal: (x) => tf.reciprocal(tf.add(x!, 1)),
  }))
    check(name, [{ shape: [3, 2], values: positive([3, 2], 2).values.map((value) => value + 0.5) }], f);
});

test("steps have no slope", () => {
  const x = tf.tensor1d([-1.3, 0.2, 2.6]);
  for (const f of [tf.floor, tf.ceil, tf.round, tf.sign, (t: tf.Tensor) => tf.step(t)]) {
    const gradient = tf.grad((t: tf.Tensor) => tf.sum(f(t)))(x);
    assert.equal([...gradient.dataSync()], [0, 0, 0]);
    gradient.dispose();
  }
  x.dispose();
});

test("operations of two tensors, and broadcasting", () => {
  const functions: Record<string, Function> = {
    add: (a, b) => tf.add(a!, b!),
    sub: (a, b) => tf.sub(a!, b!),
    mul: (a, b) => tf.mul(a!, b!),
    div: (a, b) => tf.div(a!, tf.add(b!, 2)),
    squaredDifference: (a, b) => tf.squaredDifference(a!, b!),
    pow: (a, b) => tf.pow(tf.add(a!, 2), b!),
    addN: (a, b) => tf.addN([tf.mul(a!, b!), tf.mul(b!, a!)]),
    where: (a, b) => tf.where(tf.greater(tf.range(0, 4), 1.5), tf.mul(a!, b!), tf.sub(a!, b!)),
  };
  for (const [name, f] of Object.entries(functions)) {
    for (const [a, b] of [
      [
        [3, 4],
        [3, 4],
      ],
      [[3, 4], [4]],
      [[4], [3, 4]],
      [
        [2, 3, 4],
        [3, 1],
      ],
    ] as [number[], number[]][])
      check(`${name} [${a}] [${b}]`, [awayFromZero(a, 3), awayFromZero(b, 4)], f);
  }
  const apart = [distinct([3, 4]), { shape: [4], values: Float32Array.of(-0.55, 0.05, -0.25, -0.75) }];
  check("maximum", apart, (a, b) => tf.maximum(a!, b!));
  check("minimum", apart, (a, b) => tf.minimum(a!, b!));
});

test("reductions and softmax", () => {
  const x = distinct([3, 4, 2]);
  for (const axes of [undefined, 0, 1, -1, [0, 1], [0, 2]]) {
    check(`sum ${axes}`, [x], (t) => tf.square(tf.sum(t!, axes)));
    check(`mean ${axes}`, [x], (t) => tf.square(tf.mean(t!, axes, true)));
    check(`max ${axes}`, [x], (t) => tf.max(t!, axes));
    check(`min ${axes}`, [x], (t) => tf.min(t!, axes));
  }
  check("softmax", [x], (t) => tf.softmax(t!));
  check("logSoftmax", [x], (t) => tf.logSoftmax(t!));
  check("moments", [x], (t) => tf.moments(t!, -1).variance);
});

test("operations that move elements", () => {
  const x = uniformValues([2, 3, 4], 5);
  const functions: Record<string, Function> = {
    reshape: (t) => tf.square(tf.reshape(t!, [6, 4])),
    expandDims: (t) => tf.square(tf.expandDims(t!, 1)),
    transpose: (t) => tf.square(tf.transpose(t!, [2, 0, 1])),
    pad: (t) =>
      tf.square(
        tf.pad(t!, [
          [0, 1],
          [2, 0],
          [0, 0],
        ]),
      ),
    slice: (t) => tf.square(tf.slice(t!, [0, 1, 2], [2, 2, -1])),
    reverse: (t) => tf.square(tf.reverse(t!, [0, -1])),
    tile: (t) => tf.mul(tf.tile(t!, [1, 2, 3]), tf.range(0, 12)),
    broadcastTo: (t) => tf.mul(tf.broadcastTo(tf.reshape(t!, [2, 3, 1, 4]), [2, 3, 2, 4]), tf.range(0, 4)),
    concat: (t) => tf.square(tf.concat([t!, tf.mul(t!, 2)], 1)),
    split: (t) => tf.mul(...(tf.split(t!, 2, 2) as [tf.Tensor, tf.Tensor])),
    stack: (t) => tf.square(tf.stack([t!, tf.neg(t!)], 1)),
    unstack: (t) => tf.mul(...(tf.unstack(t!, 0) as [tf.Tensor, tf.Tensor])),
    gather: (t) => tf.square(tf.gather(t!, tf.tensor1d([2, 0, 2, 1], "int32"), 1)),
    "gather matrix": (t) => tf.square(tf.gather(t!, tf.tensor2d([[1, 0, 0]], [1, 3], "int32"), 0)),
  };
  for (const [name, f] of Object.entries(functions)) check(name, [x], f);
});

test("products, however transposed", () => {
  for (const transposeA of [false, true]) {
    for (const transposeB of [false, true]) {
      const a = uniformValues(transposeA ? [4, 3] : [3, 4], 6);
      const b = uniformValues(transposeB ? [2, 4] : [4, 2], 7);
      check(`matMul ${transposeA} ${transposeB}`, [a, b], (s, t) => tf.matMul(s!, t!, transposeA, transposeB));
    }
  }
  const batches = [uniformValues([2, 3, 4], 8), uniformValues([1, 4, 2], 9)];
  check("batched matMul", batches, (s, t) => tf.matMul(s!, t!));
});

test("convolutions, pools and BatchNorm", () => {
  const x = uniformValues([2, 5, 4, 2], 10);
  const four = (t: tf.Tensor | undefined): tf.Tensor4D => t as tf.Tensor4D;
  for (const strides of [1, 2]) {
    for (const pad of ["same", "valid", 1] as const) {
      const name = `stride ${strides} pad ${pad}`;
      check(`conv2d ${name}`, [x, uniformValues([3, 3, 2, 3], 11)], (t, f) =>
        tf.conv2d(four(t), four(f), strides, pad),
      );
      check(`depthwise ${name}`, [x, uniformValues([3, 3, 2, 2], 12)], (t, f) =>
        tf.depthwiseConv2d(four(t), four(f), strides, pad),
      );
    }
    check(`transposed ${strides}`, [x, uniformValues([3, 3, 1, 2], 13)], (t, f) =>
      tf.conv2dTranspose(four(t), four(f), [2, 5 * strides, 4 * strides, 1], strides, "same"),
    );
  }
  check("depthwise dilated", [x, uniformValues([2, 2, 2, 1], 12)], (t, f) =>
    tf.depthwiseConv2d(four(t), four(f), 1, "same", "NHWC", 2),
  );
  const image = distinct([1, 5, 4, 2]);
  check("max pool", [image], (t) => tf.maxPool(four(t), 2, 2, "valid"));
  check("avg pool", [x], (t) => tf.square(tf.avgPool(four(t), [3, 2], 1, "same")));
  const vectors = [14, 15].map((seed) => uniformValues([2], seed));
  check("batchNorm", [x, vectors[0]!, positive([2], 16), vectors[1]!, positive([2], 17)], (t, mean, variance, b, s) =>
    tf.batchNorm4d(four(t), mean as tf.Tensor1D, variance as tf.Tensor1D, b as tf.Tensor1D, s as tf.Tensor1D, 0.1),
  );
});

test("dilated convolutions have no gradient, and say so", () => {
  const x = tf.ones<tf.Rank.R4>([1, 5, 5, 1]);
  const filter = tf.ones<tf.Rank.R4>([2, 2, 1, 1]);
  assert.throws(
    () => tf.grad((t: tf.Tensor) => tf.conv2d(t as tf.Tensor4D, filter, 1, "same", "NHWC", 2))(x),
    /gradient of Conv2D has dilations 2, expected 1/,
  );
  tf.dispose([x, filter]);
});

test("steps of training leave no tensors and no buffers", () => {
  const filter = tf.variable(tf.tensor(uniformValues([3, 3, 2, 4], 18).values, [3, 3, 2, 4]));
  const matrix = tf.variable(tf.tensor(uniformValues([4, 3], 19).values, [4, 3]));
  const images = tf.tensor(uniformValues([3, 6, 6, 2], 20).values, [3, 6, 6, 2]) as tf.Tensor4D;
  const step = (): void => {
    const { value, grads } = tf.variableGrads(() => {
      const y = tf.relu(tf.conv2d(images, filter as tf.Tensor4D, 1, "same"));
      return tf.sum(tf.square(tf.matMul(tf.mean(y, [1, 2]) as tf.Tensor2D, matrix as tf.Tensor2D))) as tf.Scalar;
    }, [filter, matrix]);
    tf.tidy(() => {
      for (const variable of [filter, matrix]) variable.assign(tf.sub(variable, tf.mul(grads[variable.name]!, 0.01)));
    });
    tf.dispose([value, ...Object.values(grads)]);
  };
  step();
  const before = tf.memory();
  for (let i = 0; i < 10; i++) step();
  const after = tf.memory();
  assert.is(after.numTensors, before.numTensors);
  assert.is(after.numDataBuffers, before.numDataBuffers);
  assert.is(after.numBytes, before.numBytes);
  tf.dispose([filter, matrix, images]);
});

test.run();
