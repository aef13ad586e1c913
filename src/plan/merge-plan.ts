/** A plan: what is aligned and merged, and how, as plain JSON. */

import type { Dtype } from "../base/dtype.ts";
import type { ActivationCost } from "../by-data/activation-statistics.ts";
import type { Activation } from "../graph/graph.ts";
import type { ManyStrategy } from "../many/align-many.ts";
import type { Along, Rescale } from "../merge/blends/blend.ts";
import type { BlendName } from "../merge/blends/blends.ts";
import type { RepairAt } from "../repair/places.ts";
import type { RepairKind } from "../repair/report.ts";

/** The `format` of plans. */
export const PLAN_FORMAT = "rebasin-plan/1";

/**
 * What is aligned and merged, and how: everything that decides the result's bytes, and nothing else. Threads, memory
 * and whether files may be replaced are not in it. Paths are relative to the folder of the plan's file.
 */
export interface MergePlan {
  readonly format: typeof PLAN_FORMAT;
  /** A, B, and more for a merge of many. A's names and formats are those of the result. */
  readonly models: readonly PlanPart[];
  /** The model that the others were fine-tuned from: of blends of task vectors. */
  readonly base?: PlanModel | undefined;
  /** "auto", a family's name, the path of a spec file (`*.json`) or of the network's graph (`*.onnx`), or a spec. */
  readonly spec: string | object;
  /** What the files do not show of the network. */
  readonly network?: PlanNetwork | undefined;
  /** Labelled images, where `align`, `starts` or `repair` looks at some. */
  readonly data?: PlanData | undefined;
  readonly align: PlanAlign;
  /** Alignments tried; the one whose midpoint has the lowest loss on the data is kept. */
  readonly starts?: number | undefined;
  readonly repair?: PlanRepair | undefined;
  /** Without it the models are aligned, and nothing is merged. */
  readonly blend?: PlanBlend | undefined;
  /** Run although a tensor has NaN or infinity. */
  readonly allowNonfinite?: boolean | undefined;
  readonly output?: PlanOutput | undefined;
}

/** A model's file. */
export interface PlanModel {
  /** A file, a folder, an index of shards, a URL, or `hf:ORG/NAME`. */
  readonly path: string;
  /** Of the file's bytes: another file is refused. */
  readonly sha256?: string | undefined;
  /** Only the tensors whose names begin so. */
  readonly prefix?: string | undefined;
  /** Which of several models in the file. */
  readonly key?: string | undefined;
  /** What the file does not show of its tensors, such as `V2=bf16`. */
  readonly assume?: string | undefined;
}

/** One of the models that are merged. */
export interface PlanPart extends PlanModel {
  /** What it was fine-tuned from, where that is not the plan's base: its differences are moved by that one's alignment. */
  readonly base?: PlanModel | undefined;
  /** Settings of the blend for this model alone. */
  readonly parameters?: PlanParameters | undefined;
}

/** What the files do not show of a network. */
export interface PlanNetwork {
  /** Tensors or modules, first to last. */
  readonly order?: readonly string[] | undefined;
  /** Groups of each norm without running statistics. */
  readonly normGroups?: number | undefined;
  /** Heads of attention, or units of a head, where no `config.json` beside the model has them. */
  readonly heads?: number | undefined;
  readonly headDim?: number | undefined;
  readonly assume?: "chain" | undefined;
  /** What the networks have after convolutions and matrices. */
  readonly activation?: Activation | undefined;
  /** Of ONNX networks: the input that takes the images, where it is not the one 4-D float input. */
  readonly input?: string | undefined;
  /** Of ONNX networks: channels before positions or after them, where the sizes of that input do not show it. */
  readonly layout?: "nchw" | "nhwc" | undefined;
}

/** A folder of labelled images, and how they are read. */
export interface PlanData {
  readonly path: string;
  readonly inputSize?: number | undefined;
  readonly scale?: number | undefined;
  readonly mean?: readonly number[] | undefined;
  readonly std?: readonly number[] | undefined;
  readonly classes?: number | undefined;
}

/** How a pair is aligned. "none" leaves every unit in place, "permutations" reads a file. */
export type AlignMethod =
  | "frank-wolfe"
  | "coordinate"
  | "activations"
  | "hybrid"
  | "straight-through"
  | "permutations"
  | "none";

/** How models are aligned. With `strategy` they are several, of which none has a special part. */
export interface PlanAlign {
  readonly strategy?: ManyStrategy | undefined;
  readonly method?: AlignMethod | undefined;
  /** Fine-tunes of the base are aligned to it, too. */
  readonly force?: boolean | undefined;
  readonly seed?: number | undefined;
  readonly restarts?: number | undefined;
  readonly cost?: ActivationCost | undefined;
  readonly share?: number | undefined;
  readonly polish?: boolean | undefined;
  readonly steps?: number | undefined;
  readonly batch?: number | undefined;
  readonly learningRate?: number | undefined;
  /** Images that matching looks at. */
  readonly images?: number | undefined;
  readonly split?: "train" | "test" | undefined;
  /** The path of what `rebasin match` wrote. */
  readonly permutations?: string | undefined;
  readonly only?: readonly string[] | undefined;
  readonly except?: readonly string[] | undefined;
  /** Tensors that the result takes from A alone. */
  readonly keepA?: readonly string[] | undefined;
  readonly maxRounds?: number | undefined;
  readonly reference?: number | undefined;
}

/** What sets a merged network right by images. */
export interface PlanRepair {
  readonly kind: RepairKind | "per-task";
  readonly images?: number | undefined;
  readonly at?: RepairAt | undefined;
  readonly ridge?: number | undefined;
  readonly addBias?: boolean | undefined;
  readonly temperature?: boolean | undefined;
  /** Repair although a model does no better than guessing on the images. */
  readonly allowGuessing?: boolean | undefined;
  /** What the tasks of A and B are called in their files; by default as the folders of their images. */
  readonly tasks?: readonly string[] | undefined;
  /** Images of B's task. */
  readonly dataB?: PlanData | undefined;
}

/**
 * A setting of a blend: one value for all tensors, a gradient over the network's blocks, or rules, of which the first
 * that fits a tensor's name counts.
 */
export type PlanSettingOf<T> = T | readonly T[] | readonly PlanRule<T>[];

/** A setting for the tensors whose names have `filter` in them. */
export interface PlanRule<T> {
  /** Part of a name; "*" or none: all. */
  readonly filter?: string | undefined;
  readonly value: T | readonly T[];
}

/** Settings that each model can have its own of. */
export interface PlanParameters {
  readonly weight?: PlanSettingOf<number> | undefined;
  readonly density?: PlanSettingOf<number> | undefined;
  readonly gamma?: PlanSettingOf<number> | undefined;
  readonly epsilon?: PlanSettingOf<number> | undefined;
}

/** How aligned models become one. A model's own parameters count before these. */
export interface PlanBlend extends PlanParameters {
  readonly method: BlendName;
  /** Share of B. */
  readonly lambda?: PlanSettingOf<number> | undefined;
  /** One for each model, in order. */
  readonly weights?: readonly number[] | undefined;
  readonly taskScale?: PlanSettingOf<number> | undefined;
  readonly normalize?: PlanSettingOf<boolean> | undefined;
  readonly rescale?: PlanSettingOf<Rescale> | undefined;
  readonly along?: PlanSettingOf<Along> | undefined;
  readonly maxSteps?: number | undefined;
  readonly tolerance?: number | undefined;
  readonly offDiagonal?: number | undefined;
  /** Seeds random blends. */
  readonly seed?: number | undefined;
}

/** Where results go. */
export interface PlanOutput {
  /** The merged model: a file, or a folder (`DIR/`). */
  readonly path?: string | undefined;
  readonly format?: string | undefined;
  /** Floats are written so; by default as A has them. */
  readonly dtype?: Dtype | undefined;
  /** Writes a folder of files of at most so many bytes. */
  readonly shardBytes?: number | undefined;
  /** False: a folder gets no configuration, tokenizer and licence of A's. */
  readonly copy?: boolean | undefined;
  /** False: the file does not record how it was made. */
  readonly metadata?: boolean | undefined;
  /** The permutations found: a file, or for several models a folder. */
  readonly permutations?: string | undefined;
}
