/** What a plan's words refer to where it runs: files in Node, blobs in a page. The plan's own code knows no path. */

import type { Spec } from "../axes/types.ts";
import type { Model } from "../base/model.ts";
import type { Computing, Running } from "../base/options.ts";
import type { Dataset } from "../data/dataset.ts";
import type { MatchOptions } from "../match/match-weights.ts";
import type { AlignedPair } from "../perm/pair.ts";
import type { ExecutorOptions } from "../run/executor.ts";
import type { AlignMethod, MergePlan, PlanData, PlanModel } from "./merge-plan.ts";
import type { Locate } from "./shape.ts";

/** Where a matching resumes, and what keeps its state. */
export interface SearchState {
  readonly resume: Model | undefined;
  /** Replaces what was kept. */
  save(state: Model): Promise<void>;
}

/** Opens what a plan names, and writes what it makes. Paths are as the plan has them. */
export interface PlanHost {
  /** Before anything is opened: refuses outputs that could not be written at the end. */
  readonly prepare?: ((plan: MergePlan) => Promise<void>) | undefined;
  /** Opens a model; the caller that runs the plan closes it. `at` counts the plan's models; undefined is the base. */
  open(model: PlanModel, at: number | undefined): Promise<Model>;
  /** Called with all of them, the base last, before anything is read. */
  opened?(models: readonly Model[]): void;
  /** Opens a file of `rebasin match`. */
  openSaved(path: string): Promise<Model>;
  /** The content of `adapter_config.json` beside a LoRA adapter; undefined where there is none. */
  adapterConfig?(model: PlanModel): Promise<object | undefined>;
  /** Reads a spec file. */
  readSpec(path: string): Promise<Spec>;
  /** One split of the images, of which `limit` are wanted. */
  readImages(data: PlanData, split: "train" | "test", limit?: number): Promise<Dataset>;
  /** Where the merged model goes; `like` has its tensors and the format of A. */
  target?(plan: MergePlan, like: Model): Promise<PlanTarget>;
  /** Writes a side file as safetensors: permutations, scales and shifts of a task. */
  saveBeside?(model: Model, path: string): Promise<void>;
  /** Where each model's permutations go: files beside each other in the folder that the plan names. */
  manyPermutations?(plan: MergePlan): Promise<readonly string[]>;
  /** Where a matching by that method resumes, and what keeps its state; absent where nothing is kept. */
  readonly checkpoint?: ((method: AlignMethod) => Promise<SearchState>) | undefined;
  /** Called at the end of a run; `isDone`: everything is written, and what was kept of it is of no more use. */
  ended?(isDone: boolean): Promise<void>;
}

/** Where a merged model goes. */
export interface PlanTarget {
  readonly path: string;
  readonly format: string;
  /** In words, where the path did not choose the format. */
  readonly formatNote?: string | undefined;
  /** Writes the model; notes for people, such as that an optimizer's state was left out. */
  save(model: Model): Promise<readonly string[]>;
}

/** How a plan is run: nothing here changes the result. */
export interface PlanRun
  extends Running,
    Pick<Computing, "threads" | "simd">,
    Pick<MatchOptions, "memory">,
    ExecutorOptions {
  /** One line for people, such as how much memory a step takes. */
  readonly onNote?: ((line: string) => void) | undefined;
  /** Called with A and B when B is aligned, before anything is blended: what it rejects with ends the run. */
  readonly onAligned?: ((aligned: AlignedPair) => Promise<void>) | undefined;
  /** How messages name a key of the plan: by default `blend.density`. */
  readonly locate?: Locate | undefined;
}

/** What a plan is run with. */
export interface PlanSetting {
  readonly plan: MergePlan;
  readonly host: PlanHost;
  readonly run: PlanRun;
}
