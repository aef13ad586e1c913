/** Runs a checkpoint by a graph that was exported of its network. */

import type { Model } from "../base/model.ts";
import { graftModel } from "../link/graft-model.ts";
import type { TensorLink } from "../link/link-tensors.ts";
import type { SpecRunner } from "./verify-spec.ts";

/**
 * A runner for `verifySpec` of a checkpoint in any format: its tensors go into the file of the graph, which `runner`
 * runs. `links` are those of `linkedSpec`.
 *
 * @example
 * const { spec, links } = await graphSpec(graphModel, model);
 * const { kept } = await verifySpec(model, spec, linkedRunner(graphModel, links, await onnxRunner(graphModel)));
 */
export function linkedRunner(file: Model, links: readonly TensorLink[], runner: SpecRunner): SpecRunner {
  return { run: (model, signal) => runner.run(graftModel(file, model, links), signal) };
}
