/** The keys of a plan as a table: what `checkPlan` holds a plan against, and what the JSON Schema is made of. */

import type { Dtype } from "../base/dtype.ts";
import type { BlendSettings } from "../merge/blends/blend.ts";
import { BLENDS, type BlendName } from "../merge/blends/blends.ts";
import { PLAN_FORMAT } from "./merge-plan.ts";
import type { Field, Fields, Shape } from "./shape.ts";

const TEXT: Shape = { kind: "text" };
const FLAG: Shape = { kind: "flag" };
const TEXTS: Shape = { kind: "list", item: TEXT, least: 1 };
const NUMBERS: Shape = { kind: "list", item: { kind: "number", min: -1e12, max: 1e12 }, least: 1 };
const COUNT: Shape = { kind: "number", min: 1, max: Number.MAX_SAFE_INTEGER, integer: true };
const FROM_ZERO: Shape = { kind: "number", min: 0, max: Number.MAX_SAFE_INTEGER, integer: true };
const SHARE: Shape = { kind: "number", min: 0, max: 1 };

const oneOf = (...of: readonly string[]): Shape => ({ kind: "text", of });
/** A key for some methods of matching alone. */
const forMethod = (...of: readonly string[]): Pick<Field, "for"> => ({ for: { key: "method", of } });
const forStrategy = (...of: readonly string[]): Pick<Field, "for"> => ({ for: { key: "strategy", of } });
const forKind = (...of: readonly string[]): Pick<Field, "for"> => ({ for: { key: "kind", of } });

/** Floats that a merge can be written in. */
export const WRITTEN_DTYPES: readonly Dtype[] = ["F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2"];

const FILE: Fields = {
  path: { shape: TEXT, about: "a file, a folder, an index of shards, a URL, or hf:ORG/NAME", required: true },
  sha256: { shape: { kind: "text", form: "sha256" }, about: "SHA-256 of the file: another file is refused" },
  prefix: { shape: TEXT, about: "only the tensors whose names begin so" },
  key: { shape: TEXT, about: "which of several models in the file" },
  assume: { shape: TEXT, about: "what the file does not tell of its tensors, such as V2=bf16" },
};

const NETWORK: Fields = {
  order: { shape: TEXTS, about: "tensors or modules, first to last, where names and shapes do not tell their order" },
  normGroups: { shape: COUNT, about: "groups of each norm without running statistics" },
  heads: { shape: COUNT, about: "heads of attention, where no config.json beside the model has them" },
  headDim: { shape: COUNT, about: "units of a head" },
  assume: { shape: oneOf("chain"), about: "chain: the network is a plain chain whatever its words" },
  activation: { shape: oneOf("relu", "gelu", "tanh", "silu"), about: "what follows convolutions and matrices" },
  input: { shape: TEXT, about: "the input of an ONNX network that takes the images" },
  layout: { shape: oneOf("nchw", "nhwc"), about: "the order of that input's axes" },
};

const DATA: Fields = {
  path: { shape: TEXT, about: "a folder of labelled images", required: true },
  inputSize: { shape: COUNT, about: "images are average-pooled to this side" },
  scale: {
    shape: { kind: "number", min: Number.MIN_VALUE, max: Number.MAX_SAFE_INTEGER },
    about: "what pixel values are divided by; 255 for bytes if not given",
  },
  mean: { shape: NUMBERS, about: "what is then subtracted, one number a channel" },
  std: { shape: NUMBERS, about: "what they are divided by last, one number a channel" },
  classes: { shape: COUNT, about: "how many classes there are" },
};

/** Methods that find permutations of a pair from its weights alone. */
const BY_WEIGHTS = ["frank-wolfe", "coordinate"] as const;
/** Methods that look at images. */
export const BY_DATA: readonly string[] = ["activations", "hybrid", "straight-through"];
const MATCHING = [...BY_WEIGHTS, "activations", "hybrid"] as const;

/** Merges of several models. */
export const STRATEGIES: readonly string[] = ["cycle-consistent", "merge-many", "tree"];

const ALIGN: Fields = {
  strategy: { shape: oneOf(...STRATEGIES), about: "how several models are aligned to each other" },
  method: { shape: oneOf(...MATCHING, "straight-through", "permutations", "none"), about: "how two are matched" },
  force: { shape: FLAG, about: "align fine-tunes of the base to it, too" },
  seed: { shape: FROM_ZERO, about: "seed of the order of descents and of what else is drawn", fallback: 0 },
  restarts: {
    shape: FROM_ZERO,
    about: "further descents from random permutations",
    fallback: 0,
    ...forMethod("coordinate"),
  },
  cost: {
    shape: oneOf("correlation", "inner-product"),
    about: "how units are compared by their activations",
    fallback: "correlation",
    ...forMethod("activations", "hybrid"),
  },
  share: {
    shape: { kind: "number", min: 0, max: 1e6 },
    about: "what activations count next to the weights",
    fallback: 0.3,
    ...forMethod("hybrid"),
  },
  polish: {
    shape: FLAG,
    about: "refine the result by weight matching",
    fallback: false,
    ...forMethod("activations"),
  },
  steps: { shape: COUNT, about: "steps at most", ...forMethod("straight-through") },
  batch: { shape: COUNT, about: "images a step", ...forMethod("straight-through") },
  learningRate: {
    shape: { kind: "number", min: Number.MIN_VALUE, max: 1e6 },
    about: "of its gradient descent",
    ...forMethod("straight-through"),
  },
  images: { shape: COUNT, about: "images that matching looks at, from the first on" },
  split: { shape: oneOf("train", "test"), about: "which images matching looks at" },
  permutations: {
    shape: TEXT,
    about: "what rebasin match wrote: the models are aligned by it",
    ...forMethod("permutations"),
  },
  only: { shape: TEXTS, about: "permutations that may move; NAME* for all that start so" },
  except: { shape: TEXTS, about: "permutations that stay in place" },
  keepA: { shape: TEXTS, about: "tensors that the result takes from A alone" },
  maxRounds: {
    shape: COUNT,
    about: "rounds over all models at most",
    fallback: 100,
    ...forStrategy(...STRATEGIES),
  },
  reference: {
    shape: FROM_ZERO,
    about: "the model whose numbering of units the result has, counted from 0",
    fallback: 0,
    ...forStrategy(...STRATEGIES),
  },
};

const SCALING = ["repair", "rescale", "reshift"] as const;

const REPAIR: Fields = {
  kind: {
    shape: oneOf("least-squares", "bn-reset", ...SCALING, "per-task"),
    about: "what sets the merged network right",
    required: true,
  },
  images: { shape: { ...COUNT, min: 2 }, about: "training images that it looks at" },
  at: {
    shape: oneOf("linear", "norms", "both"),
    about: "where channels are scaled and shifted",
    fallback: "linear",
    ...forKind(...SCALING, "per-task"),
  },
  ridge: {
    shape: { kind: "number", min: 0, max: 1e6 },
    about: "how strongly the merged tensors are held to",
    fallback: 0.01,
    ...forKind("least-squares"),
  },
  addBias: {
    shape: FLAG,
    about: "convolutions and matrices without bias gain one",
    fallback: false,
    ...forKind("least-squares", "repair", "reshift", "per-task"),
  },
  temperature: {
    shape: FLAG,
    about: "divide the logits so that they are as sure as the mean of the parents",
    fallback: false,
    ...forKind("least-squares"),
  },
  allowGuessing: { shape: FLAG, about: "repair although a model does no better than guessing" },
  tasks: {
    shape: { kind: "list", item: TEXT, least: 2, most: 2 },
    about: "what the tasks of A and B are called in their files",
    ...forKind("per-task"),
  },
  dataB: { shape: { kind: "fields", fields: DATA }, about: "images of B's task", ...forKind("per-task") },
};

/** The blends that have a setting. */
const forBlends = (setting: keyof BlendSettings): Pick<Field, "for"> =>
  forMethod(...Object.keys(BLENDS).filter((name) => Object.hasOwn(BLENDS[name as BlendName].settings, setting)));

const ANY_NUMBER: Shape = { kind: "number", min: -1e12, max: 1e12 };
const setting = (value: Shape): Shape => ({ kind: "setting", value });

/** Settings that each model can have its own of. */
const PARAMETERS: Fields = {
  weight: { shape: setting(ANY_NUMBER), about: "weight of this model" },
  density: { shape: setting(SHARE), about: "share of its differences from the base that is kept" },
  gamma: { shape: setting(SHARE), about: "breadcrumbs: share of the largest differences that is dropped" },
  epsilon: { shape: setting(SHARE), about: "della: probabilities of being kept are density plus and minus this" },
};

const MODEL: Fields = {
  ...FILE,
  base: {
    shape: { kind: "fields", fields: FILE },
    about: "what it was fine-tuned from, where that is not the plan's base",
  },
  parameters: { shape: { kind: "fields", fields: PARAMETERS }, about: "settings of the blend for this model" },
};

const BLEND: Fields = {
  method: { shape: oneOf(...Object.keys(BLENDS)), about: "how aligned models become one", required: true },
  lambda: { shape: setting(SHARE), about: "share of B", fallback: 0.5, ...forBlends("lambda") },
  weights: { shape: NUMBERS, about: "weight of each model, in order", ...forBlends("weights") },
  weight: { shape: setting(ANY_NUMBER), about: "weight of models without one of their own", ...forBlends("weights") },
  density: { ...PARAMETERS.density!, ...forBlends("density") },
  gamma: { ...PARAMETERS.gamma!, ...forBlends("gamma") },
  epsilon: { ...PARAMETERS.epsilon!, ...forBlends("epsilon") },
  taskScale: {
    shape: setting(ANY_NUMBER),
    about: "factor of the merged difference from the base; mergekit's lambda",
    ...forBlends("taskScale"),
  },
  normalize: { shape: setting(FLAG), about: "divide by the sum of weights", ...forBlends("normalize") },
  rescale: {
    shape: setting(oneOf("none", "norm", "density")),
    about: "what makes up for dropped differences",
    ...forBlends("rescale"),
  },
  along: {
    shape: setting(oneOf("tensor", "last", "first")),
    about: "which values of a tensor are one vector",
    ...forBlends("along"),
  },
  maxSteps: { shape: COUNT, about: "steps at most", ...forBlends("maxSteps") },
  tolerance: {
    shape: { kind: "number", min: 0, max: 1e12 },
    about: "a shorter step is the last",
    ...forBlends("tolerance"),
  },
  offDiagonal: {
    shape: SHARE,
    about: "factor of the off-diagonal entries of Gram matrices",
    ...forBlends("offDiagonal"),
  },
  seed: { shape: FROM_ZERO, about: "seed of random blends" },
};

const OUTPUT: Fields = {
  path: { shape: TEXT, about: "the merged model: a file, in the format of its ending, or a folder (DIR/)" },
  format: { shape: TEXT, about: "the format, where the path does not say it" },
  dtype: { shape: oneOf(...WRITTEN_DTYPES), about: "floats are written so; by default as A has them" },
  shardBytes: { shape: COUNT, about: "write a folder of files of at most so many bytes" },
  copy: { shape: FLAG, about: "false: a folder gets no configuration, tokenizer and licence of A's" },
  metadata: { shape: FLAG, about: "false: the file does not say how it was made" },
  permutations: { shape: TEXT, about: "the permutations found: a file, or for several models a folder" },
};

const fields = (table: Fields): Shape => ({ kind: "fields", fields: table });

/** The keys of a plan. */
export const PLAN_FIELDS: Fields = {
  format: { shape: oneOf(PLAN_FORMAT), about: "the format of this file", required: true },
  models: { shape: { kind: "list", item: fields(MODEL), least: 1 }, about: "A, B, and more", required: true },
  base: { shape: fields(FILE), about: "the model that the others were fine-tuned from" },
  spec: {
    shape: { kind: "either", of: [TEXT, { kind: "object" }] },
    about: "auto, a family, the path of a spec file (*.json), or a spec itself",
    fallback: "auto",
  },
  network: { shape: fields(NETWORK), about: "what the files do not tell of the network" },
  data: { shape: fields(DATA), about: "labelled images, where matching or repairing looks at some" },
  align: { shape: fields(ALIGN), about: "how the models are aligned" },
  starts: {
    shape: { kind: "number", min: 1, max: 1000, integer: true },
    about: "alignments tried; that with the lowest loss at the midpoint is kept",
  },
  repair: { shape: fields(REPAIR), about: "what sets the merged network right by images" },
  blend: { shape: fields(BLEND), about: "how the aligned models become one; without it nothing is merged" },
  allowNonfinite: { shape: FLAG, about: "run although a tensor has NaN or infinity" },
  output: { shape: fields(OUTPUT), about: "where results go" },
};
