/** The families' own graphs say the families' specs. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { axisTexts } from "../../../src/axes/axis-texts.ts";
import { resolveSpec } from "../../../src/axes/resolve-spec.ts";
import type { Spec } from "../../../src/axes/types.ts";
import type { Model } from "../../../src/base/model.ts";
import { describeGraph } from "../../../src/families/describe-graph.ts";
import { detectSpec } from "../../../src/families/detect-spec.ts";
import { type Architecture, initialiseModel } from "../../../src/families/initialise.ts";
import { asOperators } from "../../../src/graph/as-operators.ts";
import { inferSpec } from "../../../src/infer/infer-spec.ts";
import {
  flaxMlp,
  flaxResnet,
  fmnistResnet20,
  fmnistVgg,
  mlp,
  type Tensors,
  wideResnet16,
} from "../../reference/architectures.ts";

const test = suite("infer: families");

/** Axes and votes of every tensor with permutations numbered in order of first appearance. */
function groupsOf(spec: Spec, model: Pick<Model, "tensors">): Record<string, string> {
  const resolved = resolveSpec(spec, model.tensors);
  const numbers = new Map(resolved.permutations.map(({ name }, at) => [name, `#${at}`]));
  return Object.fromEntries(
    resolved.tensors.map(({ name, votes }, at) => [
      name,
      `${axisTexts(resolved, at)
        .map((text) => text.replaceAll(/[A-Za-z][\w.-]*/g, (own) => numbers.get(own) ?? own))
        .join(", ")} ${votes}`,
    ]),
  );
}

const ARCHITECTURES: readonly Architecture[] = [
  { family: "mlp", widths: [6, 5, 5, 3] },
  { family: "vgg", norm: "batch", input: [8, 8, 3], plan: [4, "pool", 6, 6, "pool"], dense: [5, 3] },
  { family: "vgg", norm: "layer", input: [8, 8, 3], plan: [4, 4, "pool"], dense: [3] },
  { family: "resnet", norm: "batch", depth: 8, width: 2, channels: 3, classes: 4 },
];

const LISTS: Readonly<Record<string, Tensors>> = {
  "the shared MLP": mlp([784, 512, 512, 512, 10]),
  "the shared VGG": fmnistVgg(),
  "the shared ResNet20": fmnistResnet20(),
  "Flax MLP": flaxMlp([784, 32, 10]),
  "Flax ResNet": flaxResnet(),
  "wide ResNet": wideResnet16(2),
};

for (const architecture of ARCHITECTURES) check(JSON.stringify(architecture), initialiseModel(architecture, 1));
for (const [name, tensors] of Object.entries(LISTS)) check(name, { name, tensors });

function check(what: string, model: Pick<Model, "name" | "tensors">): void {
  test(what, async () => {
    const { spec } = await inferSpec(asOperators(await describeGraph(model)), model);
    assert.equal(groupsOf(spec, model), groupsOf(await detectSpec(model, { normGroups: 1 }), model));
  });
}

test.run();
