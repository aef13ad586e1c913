/** What the page asks its workers. Plain values, cloned on the way; array buffers directly in them are handed over. */

import type { Dtype, MatchReport, Method, Spec, Stage } from "../src/index.ts";
import type { MergePlan } from "../src/plan.ts";
import type { PlottedCurve } from "../src/report.ts";

/** A file and what it is called; or, for a model, all files of a folder. */
export interface NamedBlob {
  readonly name: string;
  /** Of a folder, all files one after another. */
  readonly blob: Blob;
  /** The files by their paths, where the model is a folder. */
  readonly folder?: readonly (readonly [path: string, file: Blob])[] | undefined;
}

/** What `inspect` shows of one file. */
export interface ModelSummary {
  /** As the registry of formats has it, or "folder". */
  readonly format: string;
  readonly tensors: number;
  readonly elements: number;
  readonly bytes: number;
  readonly dtypes: readonly Dtype[];
}

/** "auto", a family's name, or the text of a spec file. */
export type SpecChoice = string | { readonly name: string; readonly text: string };

export interface PairRequest {
  readonly a: NamedBlob;
  readonly b: NamedBlob;
  readonly spec: SpecChoice;
}

/** What is known of a pair before it is aligned. */
export interface PairSummary {
  /** Format and ending of a merge: those of A, of a folder safetensors. */
  readonly output: { readonly format: string; readonly ending: string };
  /** How the spec is called: a family, or the name of a spec file. */
  readonly spec: string;
  readonly why: string;
  readonly groups: readonly { readonly name: string; readonly size: number; readonly tensors: readonly string[] }[];
  readonly log10Symmetries: number;
  readonly frozen: readonly string[];
}

/** How two files differ that cannot be merged. */
export interface PairDifferences {
  /** One for each tensor, the first hundred; null: the file has no such tensor. */
  readonly differences: readonly { readonly tensor: string; readonly a: string | null; readonly b: string | null }[];
  /** Of all tensors that differ. */
  readonly count: number;
  readonly tensorsA: number;
  readonly tensorsB: number;
}

export interface AlignRequest extends PairRequest {
  readonly method: Method;
  readonly seed: number;
  /** Bytes that it may take; the library's default for pages where it is not given. */
  readonly memory?: number | undefined;
}

export interface AlignProgress {
  readonly stage: Stage;
  readonly done: number;
  readonly total?: number | undefined;
  /** Objectives so far: [step, value] of each stage in turn. */
  readonly frankWolfe: readonly number[];
  readonly coordinate: readonly number[];
}

/** Permutations, and how they were found: as recorded in files. */
export interface Found {
  readonly permutations: ReadonlyMap<string, Int32Array>;
  readonly report: MatchReport;
}

export interface Aligned extends Found {
  readonly spec: Spec;
  readonly frankWolfe: readonly number[];
  readonly coordinate: readonly number[];
}

/** The cost matrix of one permutation with the others as found: f32, row-major, slots of A by units of B. */
export interface CostValues {
  readonly size: number;
  /** Columns in the order of B's file. */
  readonly before: ArrayBuffer;
  /** Columns in the aligned order: what belongs together is on the diagonal. */
  readonly after: ArrayBuffer;
}

/** What the form states of a merge. */
export interface MergeForm {
  readonly lambda: number;
  readonly blend: "lerp" | "slerp";
  /** The name of the file. */
  readonly output: string;
  /** Images that least squares are fitted on; without, the merge is as it is. */
  readonly fitted?: number | undefined;
}

export interface MergeRequest {
  readonly found: Found;
  /** What is merged, and how. */
  readonly plan: MergePlan;
  /** The format of the output. */
  readonly format: string;
  /** Written to it when given (a file the user chose), else the result is a Blob, on the disk where pages have files. */
  readonly target?: FileSystemFileHandle | undefined;
}

export interface MergeProgress {
  /** Tensors. */
  readonly done: number;
  readonly total: number;
  /** Bytes that the merge takes in memory, where the page has no file to write into. */
  readonly inMemory?: number | undefined;
}

type Call<Argument, Result, Progress = never> = { argument: Argument; progress: Progress; result: Result };

/** The worker that reads files and makes new ones. All but `inspect` is about the pair of the last `prepare`. */
export type FileCalls = {
  inspect: Call<NamedBlob, ModelSummary>;
  prepare: Call<PairRequest, PairSummary | PairDifferences>;
  cost: Call<{ readonly permutation: string; readonly permutations: Found["permutations"] }, CostValues>;
  merge: Call<MergeRequest, { readonly blob: Blob | null; readonly notes: readonly string[] }, MergeProgress>;
  permutations: Call<Found["permutations"], { readonly blob: Blob }>;
};

/** The worker that aligns. It ends with the alignment, and all the memory that took with it. */
export type MatchCalls = {
  align: Call<AlignRequest, Aligned, AlignProgress>;
};

/** Where labelled images come from: IDX files, gzipped or not. */
export interface DataRequest {
  readonly images: NamedBlob;
  readonly labels: NamedBlob;
}

export interface CurveRequest {
  readonly a: NamedBlob;
  readonly b: NamedBlob;
  readonly spec: Spec;
  readonly permutations: ReadonlyMap<string, Int32Array>;
  readonly data: DataRequest;
  readonly points: number;
}

/** The merge of a pair, to be repaired by images. */
export interface RepairRequest extends PairRequest {
  /** Bound to the models. */
  readonly bound: Spec;
  readonly found: Found;
  readonly form: MergeForm;
  /** The format of the output. */
  readonly format: string;
  readonly data: DataRequest;
}

export interface RepairOutcome {
  /** The repaired merge. */
  readonly blob: Blob;
  /** What the format could not hold. */
  readonly notes: readonly string[];
  /** Images that it was fitted on, and others that it was measured on. */
  readonly fitted: number;
  readonly measured: number;
  /** Accuracy of the merge on the latter, and of the repaired one. */
  readonly before: number;
  readonly after: number;
}

export interface CurveResult {
  readonly curves: readonly PlottedCurve[];
  /** How the images are called in captions. */
  readonly data: string;
}

export interface TrainRequest {
  readonly data: DataRequest;
  readonly hidden: number;
  readonly epochs: number;
}

/** After one epoch of both networks. Barriers: highest loss on the line above the mean of its ends. */
export interface TrainEpoch {
  readonly epoch: number;
  readonly lossA: number;
  readonly lossB: number;
  readonly accuracyA: number;
  readonly accuracyB: number;
  readonly naiveBarrier: number;
  readonly alignedBarrier: number;
}

export interface Trained {
  readonly epochs: readonly TrainEpoch[];
  readonly a: Blob;
  readonly b: Blob;
}

/** The worker with TensorFlow.js. */
export type EvaluateCalls = {
  curve: Call<CurveRequest, CurveResult, CurveResult & { readonly done: number; readonly total: number }>;
  repair: Call<RepairRequest, RepairOutcome, { readonly done: number; readonly total: number }>;
  train: Call<
    TrainRequest,
    Trained,
    { readonly done: number; readonly total: number; readonly epochs: readonly TrainEpoch[] }
  >;
};

/** One line of a line chart. */
export interface Line {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

export interface ReportRequest {
  readonly a: string;
  readonly b: string;
  readonly lambda: number;
  readonly summary: PairSummary;
  readonly report: MatchReport;
  /** Charts that the page has shown, as they were. */
  readonly charts: readonly { readonly heading: string; readonly svgs: readonly string[] }[];
}

/** The worker that draws charts, as the text of SVG files, and the report. */
export type ChartCalls = {
  curve: Call<{ readonly curves: readonly PlottedCurve[]; readonly width: number }, { readonly svg: string }>;
  cost: Call<
    CostValues & { readonly name: string; readonly width: number },
    { readonly before: string; readonly after: string }
  >;
  objective: Call<{ readonly lines: readonly Line[]; readonly width: number }, { readonly svg: string }>;
  barrier: Call<{ readonly epochs: readonly TrainEpoch[]; readonly width: number }, { readonly svg: string }>;
  report: Call<ReportRequest, { readonly blob: Blob }>;
};
