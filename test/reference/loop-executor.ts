/** An executor in plain loops: slow and obvious. Sums are f64, and every value is rounded to f32 as it is made. */

import { elementCount, type Model } from "../../src/base/model.ts";
import { describeGraph } from "../../src/families/describe-graph.ts";
import type { Graph, Operation, OperationKind } from "../../src/graph/graph.ts";
import { poolIsLeftOut } from "../../src/graph/value-shapes.ts";
import type { Executor, Value } from "../../src/run/executor.ts";

type Tensors = ReadonlyMap<string, { readonly shape: readonly number[]; readonly data: Float32Array }>;
type Of<K extends OperationKind["op"]> = Extract<OperationKind, { op: K }>;

/** Counts what it did, so that a test can tell that it was it that ran. */
export interface LoopExecutor extends Executor {
  opened: number;
  runs: number;
}

/** A new one. Knows F32 tensors, as the models of tests have them. */
export function loopExecutor(): LoopExecutor {
  const executor: LoopExecutor = {
    opened: 0,
    runs: 0,
    async open(model, options = {}) {
      executor.opened++;
      const graph: Graph = options.graph ?? (await describeGraph(model));
      let tensors = await read(model);
      const { operations } = graph;
      return {
        inputs: ["input"],
        values: operations.map(({ output }) => output),
        async run(inputs, keep) {
          executor.runs++;
          const values = new Map(inputs);
          for (const operation of operations) values.set(operation.output, compute(operation, values, tensors));
          return new Map([...keep].map((name) => [name, values.get(name)!]));
        },
        async load(other) {
          tensors = await read(other);
        },
        dispose() {},
      };
    },
  };
  return executor;
}

async function read(model: Model): Promise<Tensors> {
  const tensors = new Map<string, { shape: readonly number[]; data: Float32Array }>();
  for (const [name, { dtype, shape }] of model.tensors) {
    if (dtype === "F32") tensors.set(name, { shape, data: new Float32Array((await model.read(name)).slice().buffer) });
  }
  return tensors;
}

function compute({ inputs, kind }: Operation, values: ReadonlyMap<string, Value>, tensors: Tensors): Value {
  const given = inputs.map((name) => values.get(name)!);
  const [x] = given as [Value];
  const vector =
    (name: string | undefined, missing: number) =>
    (c: number): number =>
      name === undefined ? missing : tensors.get(name)!.data[c]!;
  switch (kind.op) {
    case "dense":
      return dense(kind, x, tensors, vector(kind.bias, 0));
    case "conv":
      return conv(kind, x, tensors, vector(kind.bias, 0));
    case "batch-norm": {
      const [scale, shift] = [vector(kind.scale, 1), vector(kind.shift, 0)];
      const [mean, variance] = [vector(kind.mean, 0), vector(kind.variance, 1)];
      return each(x, (value, c) => ((value - mean(c)) / Math.sqrt(variance(c) + kind.epsilon)) * scale(c) + shift(c));
    }
    case "layer-norm":
      return layerNorm(kind, x, vector(kind.scale, 1), vector(kind.shift, 0));
    case "relu":
      return each(x, (value) => Math.max(0, value));
    case "gelu":
      return each(x, gelu);
    case "tanh":
      return each(x, Math.tanh);
    case "silu":
      return each(x, (value) => value / (1 + Math.exp(-value)));
    case "add":
      return each(x, (_, __, at) => given.reduce((sum, { data }) => sum + data[at]!, 0));
    case "other":
      throw new Error(`${kind.kind} has no loops here`);
    case "max-pool":
      return poolIsLeftOut(kind, x.shape.slice(1)) ? x : maxPool(kind, x);
    case "global-mean": {
      const [batch, height, width, channels] = x.shape as [number, number, number, number];
      return make([batch, channels], ([n, c]) => {
        let sum = 0;
        for (let p = 0; p < height * width; p++) sum += x.data[(n! * height * width + p) * channels + c!]!;
        return sum / (height * width);
      });
    }
    case "flatten":
      return flatten(kind, x);
  }
}

/** x·(1 + erf(x/√2))/2, erf by its integral: Simpson's rule over 2,000 steps. */
export function gelu(x: number): number {
  const end = Math.min(6, Math.abs(x) / Math.SQRT2);
  const step = end / 2000;
  let sum = 0;
  for (let i = 0; i <= 2000; i++) sum += (i % 2000 === 0 ? 1 : i % 2 === 0 ? 2 : 4) * Math.exp(-((i * step) ** 2));
  return (x * (1 + Math.sign(x) * (2 / Math.sqrt(Math.PI)) * ((sum * step) / 3))) / 2;
}

const each = ({ shape, data }: Value, of: (value: number, channel: number, at: number) => number): Value => ({
  shape,
  data: data.map((value, at) => of(value, at % shape.at(-1)!, at)),
});

/** A value of a shape from what stands at each index. */
function make(shape: readonly number[], at: (index: number[]) => number): Value {
  const index = shape.map(() => 0);
  const data = new Float32Array(elementCount(shape));
  for (let i = 0; i < data.length; i++) {
    data[i] = at(index);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis]!++;
      if (index[axis]! < shape[axis]!) break;
      index[axis] = 0;
    }
  }
  return { shape, data };
}

function dense({ weight, layout }: Of<"dense">, x: Value, tensors: Tensors, bias: (c: number) => number): Value {
  const { shape, data } = tensors.get(weight)!;
  const [outs, ins] = (layout === "out-in" ? shape : [...shape].reverse()) as [number, number];
  return make([x.shape[0]!, outs], ([n, o]) => {
    let sum = bias(o!);
    for (let i = 0; i < ins; i++)
      sum += x.data[n! * ins + i]! * data[layout === "out-in" ? o! * ins + i : i * outs + o!]!;
    return sum;
  });
}

/** The value at an index of `[batch, height, width, channels]`; `outside` beside the image. */
function pixel({ shape, data }: Value, n: number, y: number, x: number, c: number, outside: number): number {
  const [, height, width, channels] = shape as [number, number, number, number];
  return y < 0 || x < 0 || y >= height || x >= width ? outside : data[((n * height + y) * width + x) * channels + c]!;
}

function conv(kind: Of<"conv">, x: Value, tensors: Tensors, bias: (c: number) => number): Value {
  const { shape, data } = tensors.get(kind.weight)!;
  const [outs, ins, kh, kw] = (kind.layout === "oihw" ? shape : [shape[3], shape[2], shape[0], shape[1]]) as [
    number,
    number,
    number,
    number,
  ];
  const tap = (o: number, i: number, dy: number, dx: number): number =>
    data[kind.layout === "oihw" ? ((o * ins + i) * kh + dy) * kw + dx : ((dy * kw + dx) * ins + i) * outs + o]!;
  const side = (length: number, kernel: number): { length: number; before: number } => {
    if (kind.padding !== "same")
      return { length: Math.floor((length + 2 * kind.padding - kernel) / kind.stride) + 1, before: kind.padding };
    const out = Math.ceil(length / kind.stride);
    return { length: out, before: Math.floor(Math.max(0, (out - 1) * kind.stride + kernel - length) / 2) };
  };
  const [down, across] = [side(x.shape[1]!, kh), side(x.shape[2]!, kw)];
  return make([x.shape[0]!, down.length, across.length, outs], ([n, y, z, o]) => {
    let sum = bias(o!);
    for (let dy = 0; dy < kh; dy++)
      for (let dx = 0; dx < kw; dx++)
        for (let i = 0; i < ins; i++)
          sum +=
            tap(o!, i, dy, dx) *
            pixel(x, n!, y! * kind.stride + dy - down.before, z! * kind.stride + dx - across.before, i, 0);
    return sum;
  });
}

function layerNorm(
  { epsilon }: Of<"layer-norm">,
  x: Value,
  scale: (c: number) => number,
  shift: (c: number) => number,
): Value {
  const channels = x.shape.at(-1)!;
  return each(x, (value, c, at) => {
    const row = x.data.subarray(at - c, at - c + channels);
    const mean = row.reduce((sum, one) => sum + one, 0) / channels;
    const variance = row.reduce((sum, one) => sum + (one - mean) ** 2, 0) / channels;
    return ((value - mean) / Math.sqrt(variance + epsilon)) * scale(c) + shift(c);
  });
}

function maxPool({ size, stride, padding = 0 }: Of<"max-pool">, x: Value): Value {
  const side = (length: number): number => Math.floor((length + 2 * padding - size) / stride) + 1;
  return make([x.shape[0]!, side(x.shape[1]!), side(x.shape[2]!), x.shape[3]!], ([n, y, z, c]) => {
    let most = Number.NEGATIVE_INFINITY;
    for (let k = 0; k < size * size; k++) {
      const [dy, dx] = [Math.floor(k / size) - padding, (k % size) - padding];
      most = Math.max(most, pixel(x, n!, y! * stride + dy, z! * stride + dx, c!, Number.NEGATIVE_INFINITY));
    }
    return most;
  });
}

function flatten({ order }: Of<"flatten">, x: Value): Value {
  const length = elementCount(x.shape.slice(1));
  if (order === "channel-minor" || x.shape.length !== 4) return { shape: [x.shape[0]!, length], data: x.data };
  const [, height, width] = x.shape as [number, number, number, number];
  return make([x.shape[0]!, length], ([n, at]) => {
    const [c, y, z] = [Math.floor(at! / (height * width)), Math.floor(at! / width) % height, at! % width];
    return pixel(x, n!, y, z, c, 0);
  });
}
