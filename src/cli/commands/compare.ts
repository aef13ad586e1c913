/** `rebasin compare A B` */

import { compareTensors, describeDifferences } from "../../base/compare-tensors.ts";
import { visible } from "../../base/visible.ts";
import { type Distance, modelDistance } from "../../measure/distance.ts";
import type { Command } from "../command.ts";
import { INPUT_OPTIONS, withModels } from "../models.ts";

/** Exit code when the two cannot be merged. */
const NOT_MERGEABLE = 1;

export const compare: Command = {
  name: "compare",
  summary: "Say whether two models can be merged, and if not, every reason",
  positionals: ["A", "B"],
  options: INPUT_OPTIONS,
  examples: ["rebasin compare a.safetensors b.safetensors", "rebasin compare a.safetensors b.safetensors --json"],
  async run(context) {
    const { positionals, signal, onProgress } = context;
    return withModels(positionals, context, async (a, b) => {
      const reasons = compareTensors(a!.tensors, b!.tensors);
      if (reasons.length > 0) {
        const text = [
          `not mergeable: ${reasons.length} differences`,
          visible(describeDifferences(reasons, reasons.length)),
        ].join("\n");
        return { json: { mergeable: false, reasons }, text, exitCode: NOT_MERGEABLE };
      }
      const distance = await modelDistance(a!, b!, { signal, onProgress });
      return { json: { mergeable: true, reasons, distance }, text: compareText(a!.tensors.size, distance) };
    });
  },
};

function compareText(tensors: number, { l2, normA, normB, cosine }: Distance): string {
  return [
    `mergeable: the same ${tensors} tensors in both`,
    "",
    "before matching, over all float tensors:",
    `  distance  ${l2.toPrecision(6)}`,
    `  norms     ${normA.toPrecision(6)} of A, ${normB.toPrecision(6)} of B`,
    `  cosine    ${cosine.toFixed(4)}`,
  ].join("\n");
}
