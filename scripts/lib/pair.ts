/** Two models of one network: matched once, then blended anywhere between them, aligned or not. All use of the library is here. */

import { detectSpec, type MatchReport, type Model, mergeModels, rebasin, type Spec } from "rebasin";
import { openModel } from "rebasin/node";

/** A matched pair. */
export interface Pair {
  readonly a: Model;
  readonly b: Model;
  readonly spec: Spec;
  readonly permutations: ReadonlyMap<string, Int32Array>;
  readonly report: MatchReport;
  /** The merge at λ = ½, as the library's one call gives it: lazy. */
  readonly merged: Model;
  /** (1−λ)·A + λ·B, or λ·π(B) when `aligned`: a lazy model. */
  at(lambda: number, aligned: boolean): Promise<Model>;
  close(): Promise<void>;
}

/**
 * Opens two model files and aligns the second to the first. Throws what the library throws for files that are malformed
 * or do not fit each other; both are closed then.
 *
 * @example
 * const pair = await matchPair("a.safetensors", "b.safetensors");
 * const naive = await pair.at(0.5, false);
 */
export async function matchPair(pathA: string, pathB: string): Promise<Pair> {
  const opened: Model[] = [];
  const close = async (): Promise<void> => {
    for (const model of opened) await model.close?.();
  };
  try {
    for (const path of [pathA, pathB]) opened.push(await openModel(path));
    const [a, b] = opened as [Model, Model];
    const spec = await detectSpec(a, { normGroups: 1 });
    const { model: merged, permutations, report } = await rebasin(a, b, { spec });
    const unaligned = new Map<string, Int32Array>();
    const at = (lambda: number, aligned: boolean): Promise<Model> =>
      mergeModels(a, b, spec, aligned ? permutations : unaligned, { lambda });
    return { a, b, spec, permutations, report, merged, at, close };
  } catch (error) {
    await close();
    throw error;
  }
}
