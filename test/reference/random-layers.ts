/** Random Functional models of every layer of `@tensorflow/tfjs-layers`, made by it and saved as its files. */

import type { Rng } from "../../src/base/rng.ts";
import { gaussian } from "./random.ts";

// biome-ignore lint/suspicious/noExplicitAny: the package's types are not installed here
type Loose = any;

/** A value of a model that is being put together: its shape without the batch. */
interface Value {
  readonly value: Loose;
  readonly shape: readonly number[];
}

/** What makes a model: the package and TensorFlow.js itself. */
export interface LayersPackage {
  readonly tfl: Loose;
  readonly tf: typeof import("@tensorflow/tfjs-core");
}

/** A model and the parts that it was put together from. */
export interface RandomLayers {
  readonly model: Loose;
  readonly parts: readonly string[];
}

type Drawing = Pick<LayersPackage, "tfl"> & { readonly rng: Rng };

const pick = <T>(rng: Rng, list: readonly T[]): T => list[rng.below(list.length)]!;
const ACTIVATIONS = ["linear", "relu", "tanh", "sigmoid", "elu", "selu", "softplus", "softsign", "swish", "relu6"];
const units = (rng: Rng): number => 3 + rng.below(4);

/** A part: a layer of one value where it fits, or undefined. */
type Part = (drawing: Drawing, value: Value) => Loose | undefined;

const conv =
  (name: "conv1d" | "conv2d" | "conv2dTranspose" | "separableConv2d", least = 3): Part =>
  ({ tfl, rng }, { shape }) => {
    const padding = shape[0]! >= 5 && shape.at(-2)! >= 5 && rng.below(2) === 0 ? "valid" : "same";
    if (shape[0]! < least) return undefined;
    return tfl.layers[name]({
      filters: units(rng),
      kernelSize: 1 + rng.below(3),
      padding,
      useBias: rng.below(4) > 0,
      activation: pick(rng, ACTIVATIONS),
    });
  };

const depthwise: Part = ({ tfl, rng }) =>
  tfl.layers.depthwiseConv2d({
    kernelSize: 3,
    padding: "same",
    depthMultiplier: 1 + rng.below(2),
    useBias: rng.below(2) === 0,
    activation: pick(rng, ACTIVATIONS),
  });

const pool =
  (name: string): Part =>
  ({ tfl, rng }, { shape }) =>
    shape.slice(0, -1).every((size) => size >= 4)
      ? tfl.layers[name]({ poolSize: 2, padding: pick(rng, ["same", "valid"]) })
      : undefined;

const plain =
  (name: string, options: (rng: Rng, shape: readonly number[]) => object | undefined = () => ({})): Part =>
  ({ tfl, rng }, { shape }) => {
    const given = options(rng, shape);
    return given && tfl.layers[name](given);
  };

const small = (limit: number) => (_: Rng, shape: readonly number[]) =>
  shape.reduce((product, size) => product * size, 1) <= limit ? {} : undefined;

const cell =
  (name: string): Part =>
  ({ tfl, rng }) =>
    tfl.layers[name]({
      units: units(rng),
      returnSequences: rng.below(2) === 0,
      useBias: rng.below(4) > 0,
      // The usual one, orthogonal, calls methods of tensors that only the package of all of TensorFlow.js has.
      recurrentInitializer: "glorotUniform",
      recurrentActivation: pick(rng, ["sigmoid", "hardSigmoid"]),
    });

const bidirectional: Part = ({ tfl, rng }) =>
  tfl.layers.bidirectional({
    layer: tfl.layers[pick(rng, ["lstm", "gru", "simpleRNN"])]({
      units: 3,
      returnSequences: rng.below(2) === 0,
      recurrentInitializer: "glorotUniform",
    }),
    mergeMode: pick(rng, ["concat", "sum", "mul", "ave"]),
  });

const anywhere: readonly (readonly [string, Part])[] = [
  ["batchNormalization", plain("batchNormalization", (rng) => ({ scale: rng.below(3) > 0, center: rng.below(3) > 0 }))],
  ["layerNormalization", plain("layerNormalization")],
  ["dense", plain("dense", (rng) => ({ units: units(rng), activation: pick(rng, ACTIVATIONS) }))],
  [
    "activation",
    plain("activation", (rng) => ({ activation: pick(rng, [...ACTIVATIONS, "softmax", "softmax", "gelu"]) })),
  ],
  ["leakyReLU", plain("leakyReLU")],
  ["reLU", plain("reLU", () => ({ maxValue: 2 }))],
  ["dropout", plain("dropout", () => ({ rate: 0.5 }))],
];

/** Parts by the number of axes that they read, without the batch. */
const PARTS: Readonly<Record<number, readonly (readonly [string, Part])[]>> = {
  3: [
    ...anywhere,
    ["conv2d", conv("conv2d")],
    ["conv2d", conv("conv2d")],
    ["conv2dTranspose", conv("conv2dTranspose")],
    ["separableConv2d", conv("separableConv2d")],
    ["depthwiseConv2d", depthwise],
    ["maxPooling2d", pool("maxPooling2d")],
    ["averagePooling2d", pool("averagePooling2d")],
    ["upSampling2d", plain("upSampling2d", (_, [height]) => (height! <= 4 ? { size: [2, 2] } : undefined))],
    [
      "zeroPadding2d",
      plain("zeroPadding2d", () => ({
        padding: [
          [1, 0],
          [0, 1],
        ],
      })),
    ],
    [
      "cropping2D",
      plain("cropping2D", (_, [height, width]) =>
        height! > 4 && width! > 4
          ? {
              cropping: [
                [1, 0],
                [1, 1],
              ],
            }
          : undefined,
      ),
    ],
    ["prelu", plain("prelu", (rng) => ({ sharedAxes: rng.below(2) === 0 ? [1, 2] : undefined }))],
    [
      "permute",
      plain("permute", (rng) => ({
        dims: pick(rng, [
          [2, 1, 3],
          [1, 3, 2],
          [3, 1, 2],
        ]),
      })),
    ],
    ["reshape to rows", plain("reshape", (_, [h, w, c]) => ({ targetShape: [h! * w!, c] }))],
    ["globalAveragePooling2d", plain("globalAveragePooling2d", () => ({}))],
    ["globalMaxPooling2d", plain("globalMaxPooling2d", () => ({}))],
    ["flatten", plain("flatten", small(200))],
  ],
  2: [
    ...anywhere,
    ["conv1d", conv("conv1d")],
    ["lstm", cell("lstm")],
    ["gru", cell("gru")],
    ["simpleRNN", cell("simpleRNN")],
    ["bidirectional", bidirectional],
    [
      "timeDistributed",
      ({ tfl, rng }) => tfl.layers.timeDistributed({ layer: tfl.layers.dense({ units: units(rng) }) }),
    ],
    ["maxPooling1d", pool("maxPooling1d")],
    ["averagePooling1d", pool("averagePooling1d")],
    ["globalAveragePooling1d", plain("globalAveragePooling1d")],
    ["globalMaxPooling1d", plain("globalMaxPooling1d")],
    ["spatialDropout1d", plain("spatialDropout1d", () => ({ rate: 0.5 }))],
    ["permute", plain("permute", () => ({ dims: [2, 1] }))],
    ["reshape to maps", plain("reshape", (_, [t, c]) => ({ targetShape: [t, 1, c] }))],
    ["flatten", plain("flatten", small(200))],
  ],
  1: [
    ...anywhere,
    ["dense", plain("dense", (rng) => ({ units: units(rng), activation: pick(rng, ACTIVATIONS) }))],
    ["prelu", plain("prelu")],
    ["repeatVector", plain("repeatVector", () => ({ n: 4 }))],
    ["reshape to maps", plain("reshape", (_, [c]) => ({ targetShape: [1, 1, c] }))],
    [
      "reshape to pairs",
      plain("reshape", (rng, [c]) =>
        c! % 2 === 0
          ? {
              targetShape: pick(rng, [
                [2, c! / 2],
                [c! / 2, 2],
              ]),
            }
          : undefined,
      ),
    ],
  ],
};

const MERGES = ["add", "multiply", "average", "maximum", "minimum"];

function shapeOf(value: Loose): number[] {
  return value.shape.slice(1) as number[];
}

/** Joins a value with another of its shape, or with one of other channels. */
function merged({ tfl, rng }: Drawing, values: readonly Value[], value: Value): [string, Loose] | undefined {
  const same = values.filter((other) => other !== value && other.shape.join() === value.shape.join());
  if (same.length > 0 && rng.below(3) > 0) {
    const name = pick(rng, MERGES);
    return [name, tfl.layers[name]().apply([value.value, pick(rng, same).value])];
  }
  const beside = values.filter(
    (other) =>
      other.shape.length === value.shape.length && other.shape.slice(0, -1).join() === value.shape.slice(0, -1).join(),
  );
  // One value twice: the package frees it too early.
  const all = [...new Set([value, pick(rng, beside), pick(rng, beside)])];
  if (all.length < 2) return undefined;
  return ["concatenate", tfl.layers.concatenate().apply(all.map((each) => each.value))];
}

/** Inputs of one of each kind: images, words, vectors. */
function inputs({ tfl, rng }: Drawing): { input: Loose; value: Value; name: string } {
  const kind = rng.below(3);
  if (kind === 0) {
    const input = tfl.input({ shape: [6, 6, 2] });
    return { input, value: { value: input, shape: [6, 6, 2] }, name: "images" };
  }
  if (kind === 2) {
    const input = tfl.input({ shape: [5] });
    return { input, value: { value: input, shape: [5] }, name: "vectors" };
  }
  const input = tfl.input({ shape: [6] });
  const table = tfl.layers.embedding({ inputDim: 7, outputDim: units(rng) });
  const value = table.apply(input);
  return { input, value: { value, shape: shapeOf(value) }, name: "embedding" };
}

/** A model of about `steps` layers, whose weights are drawn by `rng`. */
export function randomLayers({ tfl, tf }: LayersPackage, rng: Rng): RandomLayers {
  const steps = 4 + rng.below(5);
  const drawing = { tfl, rng };
  const { input, value: first, name } = inputs(drawing);
  const parts = [name];
  const values: Value[] = [first];
  const read = new Set<Value>();
  for (let step = 0; step < steps; step++) {
    const value = rng.below(2) === 0 ? values.at(-1)! : pick(rng, values);
    const joined = values.length > 2 && rng.below(4) === 0 ? merged(drawing, values, value) : undefined;
    const [part, make] = pick(rng, PARTS[value.shape.length]!);
    const result = joined?.[1] ?? make(drawing, value)?.apply(value.value);
    if (result === undefined) continue;
    parts.push(joined?.[0] ?? part);
    read.add(value);
    values.push({ value: result, shape: shapeOf(result) });
  }
  const ends = values.filter((value) => !read.has(value) && value !== first);
  const outputs = (ends.length > 0 ? ends : values.slice(-1)).map(({ value, shape }) => {
    const flat = shape.length > 1 ? tfl.layers.flatten().apply(value) : value;
    return tfl.layers.dense({ units: 2 }).apply(flat);
  });
  const model = tfl.model({ inputs: input, outputs });
  drawWeights(tf, model, rng);
  return { model, parts };
}

/** Every weight from a normal distribution; variances are positive. */
function drawWeights(tf: LayersPackage["tf"], model: Loose, rng: Rng): void {
  model.setWeights(
    model.weights.map(({ name, shape }: { name: string; shape: number[] }) => {
      const count = shape.reduce((product, size) => product * size, 1);
      const fan = shape.slice(0, -1).reduce((product, size) => product * size, 1);
      const values = Float32Array.from(
        { length: count },
        () => gaussian(rng) / (shape.length > 1 ? Math.sqrt(fan) : 2),
      );
      return tf.tensor(/variance/.test(name) ? values.map((value) => 0.5 + Math.abs(value)) : values, shape);
    }),
  );
}

/** The files that `model.save` writes, by their paths. */
export async function savedFiles(model: Loose): Promise<Record<string, Uint8Array>> {
  let files: Record<string, Uint8Array> = {};
  await model.save({
    save: async ({ weightSpecs, weightData, ...rest }: Loose): Promise<object> => {
      const manifest = [{ paths: ["group1-shard1of1.bin"], weights: weightSpecs }];
      const json = JSON.stringify({ ...rest, weightsManifest: manifest });
      files = { "model.json": new TextEncoder().encode(json), "group1-shard1of1.bin": new Uint8Array(weightData) };
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: "JSON" } };
    },
  });
  return files;
}
