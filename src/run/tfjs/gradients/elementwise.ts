/** Derivatives of operations on elements. */

import * as tf from "@tensorflow/tfjs-core";
import { asFloat, sumToShape } from "./broadcasting.ts";

type Attributes = Readonly<Record<string, number>>;

/** dX from dY and the saved input, or the saved output. */
type Derivative = (dy: tf.Tensor, saved: tf.Tensor, attributes: Attributes) => tf.Tensor;

const TWO_OVER_SQRT_PI = 1.1283791670955126;

const OF_INPUT: Readonly<Record<string, Derivative>> = {
  [tf.Abs]: (dy, x) => tf.mul(dy, tf.sign(x)),
  [tf.ClipByValue]: (dy, x, { clipValueMin, clipValueMax }) =>
    tf.mul(dy, asFloat(tf.logicalAnd(tf.greaterEqual(x, clipValueMin!), tf.lessEqual(x, clipValueMax!)))),
  [tf.Cos]: (dy, x) => tf.neg(tf.mul(dy, tf.sin(x))),
  [tf.Erf]: (dy, x) => tf.mul(dy, tf.mul(tf.exp(tf.neg(tf.square(x))), TWO_OVER_SQRT_PI)),
  [tf.Expm1]: (dy, x) => tf.mul(dy, tf.exp(x)),
  [tf.LeakyRelu]: (dy, x, { alpha }) => tf.where(tf.greater(x, 0), dy, tf.mul(dy, alpha!)),
  [tf.Log]: (dy, x) => tf.div(dy, x),
  [tf.Log1p]: (dy, x) => tf.div(dy, tf.add(x, 1)),
  [tf.Relu6]: (dy, x) => tf.mul(dy, asFloat(tf.logicalAnd(tf.greater(x, 0), tf.lessEqual(x, 6)))),
  [tf.Sin]: (dy, x) => tf.mul(dy, tf.cos(x)),
  [tf.Softplus]: (dy, x) => tf.mul(dy, tf.sigmoid(x)),
  [tf.Square]: (dy, x) => tf.mul(dy, tf.mul(x, 2)),
};

const OF_OUTPUT: Readonly<Record<string, Derivative>> = {
  [tf.Elu]: (dy, y) => tf.where(tf.greater(y, 0), dy, tf.mul(dy, tf.add(y, 1))),
  [tf.Exp]: (dy, y) => tf.mul(dy, y),
  [tf.Reciprocal]: (dy, y) => tf.neg(tf.mul(dy, tf.square(y))),
  [tf.Relu]: (dy, y) => tf.mul(dy, tf.step(y)),
  [tf.Rsqrt]: (dy, y) => tf.mul(dy, tf.mul(tf.mul(tf.square(y), y), -0.5)),
  [tf.Sigmoid]: (dy, y) => tf.mul(dy, tf.mul(y, tf.sub(1, y))),
  [tf.Sqrt]: (dy, y) => tf.div(dy, tf.mul(y, 2)),
  [tf.Tanh]: (dy, y) => tf.mul(dy, tf.sub(1, tf.square(y))),
};

/** Nothing need be saved. */
const OF_NOTHING: Readonly<Record<string, (dy: tf.Tensor) => tf.Tensor>> = {
  [tf.Cast]: (dy) => tf.cast(dy, "float32"),
  [tf.Identity]: (dy) => tf.cast(dy, "float32"),
  [tf.Neg]: (dy) => tf.neg(dy),
  // Steps are flat wherever they have a derivative.
  [tf.Ceil]: (dy) => tf.zerosLike(dy),
  [tf.Floor]: (dy) => tf.zerosLike(dy),
  [tf.Round]: (dy) => tf.zerosLike(dy),
  [tf.Sign]: (dy) => tf.zerosLike(dy),
  [tf.Step]: (dy) => tf.zerosLike(dy),
};

type BinaryDerivatives = (
  dy: tf.Tensor,
  a: tf.Tensor,
  b: tf.Tensor,
  y: tf.Tensor,
) => { readonly a: () => tf.Tensor; readonly b: () => tf.Tensor };

const BINARY: Readonly<Record<string, BinaryDerivatives>> = {
  [tf.Add]: (dy) => ({ a: () => dy, b: () => dy }),
  [tf.Sub]: (dy) => ({ a: () => dy, b: () => tf.neg(dy) }),
  [tf.Multiply]: (dy, a, b) => ({ a: () => tf.mul(dy, b), b: () => tf.mul(dy, a) }),
  [tf.RealDiv]: (dy, _, b, y) => ({ a: () => tf.div(dy, b), b: () => tf.neg(tf.mul(dy, tf.div(y, b))) }),
  [tf.SquaredDifference]: (dy, a, b) => ({
    a: () => tf.mul(dy, tf.mul(tf.sub(a, b), 2)),
    b: () => tf.mul(dy, tf.mul(tf.sub(b, a), 2)),
  }),
  // Of equals, the first is the one taken.
  [tf.Maximum]: (dy, a, b) => ({
    a: () => tf.mul(dy, asFloat(tf.greaterEqual(a, b))),
    b: () => tf.mul(dy, asFloat(tf.less(a, b))),
  }),
  [tf.Minimum]: (dy, a, b) => ({
    a: () => tf.mul(dy, asFloat(tf.lessEqual(a, b))),
    b: () => tf.mul(dy, asFloat(tf.greater(a, b))),
  }),
  [tf.Pow]: (dy, a, b, y) => ({
    a: () => tf.mul(dy, tf.mul(b, tf.pow(a, tf.sub(b, 1)))),
    b: () => tf.mul(dy, tf.mul(y, tf.where(tf.greater(a, 0), tf.log(a), tf.zerosLike(a)))),
  }),
};

/** What they need of `a`, `b` and the output; sums and differences only need shapes. */
function binaryGradient(kernelName: string, derivatives: BinaryDerivatives): tf.GradConfig {
  return {
    kernelName,
    inputsToSave: ["a", "b"],
    outputsToSave: [kernelName === tf.RealDiv || kernelName === tf.Pow],
    gradFunc: (dy, [a, b, y]) => {
      const each = derivatives(dy as tf.Tensor, a!, b!, y!);
      return { a: () => sumToShape(each.a(), a!.shape), b: () => sumToShape(each.b(), b!.shape) };
    },
  };
}

function unaryGradient(kernelName: string, derivative: Derivative, ofOutput: boolean): tf.GradConfig {
  return {
    kernelName,
    ...(ofOutput ? { outputsToSave: [true] } : { inputsToSave: ["x"] }),
    gradFunc: (dy, [saved], attributes) => ({
      x: () => derivative(dy as tf.Tensor, saved!, attributes as unknown as Attributes),
    }),
  };
}

/** Gradients of elementwise kernels with one or two inputs, of `AddN` and of `Select`. */
export const elementwiseGradients: readonly tf.GradConfig[] = [
  ...Object.entries(OF_INPUT).map(([name, derivative]) => unaryGradient(name, derivative, false)),
  ...Object.entries(OF_OUTPUT).map(([name, derivative]) => unaryGradient(name, derivative, true)),
  ...Object.entries(OF_NOTHING).map(([kernelName, derivative]) => ({
    kernelName,
    gradFunc: (dy: tf.Tensor | tf.Tensor[]) => ({ x: () => derivative(dy as tf.Tensor) }),
  })),
  ...Object.entries(BINARY).map(([name, derivatives]) => binaryGradient(name, derivatives)),
  {
    kernelName: tf.AddN,
    saveAllInputs: true,
    gradFunc: (dy, saved) => Object.fromEntries(saved.map((_, i) => [i, () => tf.clone(dy as tf.Tensor)])),
  },
  {
    kernelName: tf.Select,
    inputsToSave: ["condition"],
    gradFunc: (dy, [condition]) => ({
      condition: () => tf.cast(tf.zerosLike(condition!), "float32"),
      t: () => tf.mul(dy as tf.Tensor, asFloat(condition!)),
      e: () => tf.mul(dy as tf.Tensor, asFloat(tf.logicalNot(condition!))),
    }),
  },
];
