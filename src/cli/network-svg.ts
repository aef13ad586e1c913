/** `inspect --svg`: the network's graph, its own, that of `--graph`, or the one that its family has. */

import type { Spec } from "../axes/types.ts";
import type { Model } from "../base/model.ts";
import type { DrawnNetwork } from "../infer/draw-network.ts";
import type { CommandContext } from "./command.ts";
import { withGraph } from "./graph-option.ts";
import { detectOptions, type InputValues, type SpecValues } from "./models.ts";
import { UsageError } from "./option.ts";

/** The text of an SVG file that shows `model` with the permutations of `spec`. */
export async function networkSvg(
  context: CommandContext<SpecValues & InputValues>,
  model: Model,
  spec: Spec,
): Promise<string> {
  const { graph } = context.options;
  if (graph === undefined) return draw(await ownNetwork(context, model), model, spec);
  return withGraph(graph, model, context.signal, async ({ file, links }) => {
    const { readGraph } = await import("../formats/operator-graph.ts");
    return draw({ graph: (await readGraph(file, context))!, file, links }, model, spec);
  });
}

async function draw(network: DrawnNetwork, model: Model, spec: Spec): Promise<string> {
  const { drawNetwork } = await import("../infer/draw-network.ts");
  const { networkChart } = await import("../report/network-chart.ts");
  const drawing = await drawNetwork({ ...network, model, spec });
  return networkChart(drawing, { title: model.name, subtitle: spec.why });
}

/** The graph in the file, or what names and shapes show of it. */
async function ownNetwork(context: CommandContext<SpecValues & InputValues>, model: Model): Promise<DrawnNetwork> {
  const { readGraph } = await import("../formats/operator-graph.ts");
  const graph = await readGraph(model, context);
  if (graph !== undefined) return { graph, file: model };
  const { describeGraph } = await import("../families/describe-graph.ts");
  const { asOperators } = await import("../graph/as-operators.ts");
  try {
    return { graph: asOperators(await describeGraph(model, detectOptions(context))), file: model };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UsageError(
      `--svg: ${model.name} has no graph, expected a file that has one or --graph MODEL.onnx (docs/any-model.md)`,
    );
  }
}
