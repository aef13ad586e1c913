import { suite } from "uvu";
import * as assert from "uvu/assert";
import { resolveSpec } from "../../../src/axes/resolve-spec.ts";
import { parseSpec } from "../../../src/axes/spec-file.ts";
import type { ResolvedSpec } from "../../../src/axes/types.ts";
import { SpecError } from "../../../src/base/errors.ts";
import { detectSpec, FAMILIES, familySpec } from "../../../src/families/detect-spec.ts";
import mlpReference from "../../fixtures/spec/fmnist-mlp.spec.json" with { type: "json" };
import resnetReference from "../../fixtures/spec/fmnist-resnet20-ln.spec.json" with { type: "json" };
import vggReference from "../../fixtures/spec/fmnist-vgg-bn.spec.json" with { type: "json" };
import * as nets from "../../reference/architectures.ts";
import { sortedByName, type Tensors } from "../../reference/architectures.ts";
import { rejects } from "../../reference/expect-error.ts";
import { axesOf, refused } from "../../reference/family-checks.ts";

const test = suite("families");

/** Axes as text with permutations numbered in order of appearance: equal for specs that differ in names only. */
function shapeOf({ tensors }: ResolvedSpec): string[] {
  const seen = new Map<number, number>();
  const number = (permutation: number): number => {
    if (!seen.has(permutation)) seen.set(permutation, seen.size);
    return seen.get(permutation)!;
  };
  return tensors.map(({ name, axes, votes }) => {
    const texts = axes.map(({ segments }) =>
      segments
        .map(({ factors }) =>
          factors.map((f) => (f.permutation < 0 ? `${f.size}` : `#${number(f.permutation)}`)).join("*"),
        )
        .join("|"),
    );
    return `${name} ${texts.join(" ")} ${votes}`;
  });
}

test("the three reference networks: the reference specs up to names", async () => {
  const cases: [string, Tensors, object][] = [
    ["mlp", nets.mlp([784, 512, 512, 512, 10]), mlpReference],
    ["vgg", nets.fmnistVgg(), vggReference],
    ["resnet", nets.fmnistResnet20(), resnetReference],
  ];
  for (const [family, tensors, reference] of cases) {
    for (const order of [tensors, sortedByName(tensors)]) {
      const spec = await detectSpec({ tensors: order }, { normGroups: 1 });
      assert.is(spec.family, family);
      assert.equal(shapeOf(resolveSpec(spec, order)), shapeOf(resolveSpec(parseSpec(reference), order)));
    }
  }
});

test("why: one sentence with the widths and the layout", async () => {
  const why = async (tensors: Tensors): Promise<string | undefined> =>
    (await detectSpec({ tensors }, { normGroups: 1 })).why;
  assert.is(await why(nets.mlp([784, 256, 256, 10])), "3 dense tensors in a chain 784-256-256-10, PyTorch layout");
  assert.is(await why(nets.flaxMlp([784, 32, 10])), "2 dense tensors in a chain 784-32-10, Flax or Keras layout");
  assert.is(
    await why(nets.fmnistVgg()),
    "5 convolutions (32-32-64-64-128) and 2 dense tensors (256-10) after a flatten of 9 positions in a chain, PyTorch layout",
  );
  assert.is(
    await why(nets.fmnistResnet20()),
    "9 basic blocks on 3 residual streams (32-64-128), norms after convolutions, PyTorch layout",
  );
  assert.is(
    await why(nets.resnet(50)),
    "16 bottleneck blocks on 5 residual streams (64-256-512-1024-2048), norms after convolutions, PyTorch layout",
  );
});

test("every tensor is listed, inputs and outputs stay, specs are in model order", async () => {
  for (const tensors of [nets.mlp([9, 4, 3]), nets.vgg(11, true), nets.resnet(18), nets.wideResnet16(2)]) {
    const spec = await detectSpec({ tensors });
    assert.equal([...spec.tensors.keys()], [...tensors.keys()]);
    assert.is(spec.rest, "refused");
    assert.equal(spec.frozen, []);
    const [first] = tensors.keys();
    const last = [...tensors.keys()].findLast((name) => name.endsWith("weight"))!;
    assert.match(axesOf(spec, first!), /^\S+ _( _ _)?$/);
    assert.match(axesOf(spec, last), /^_ \S+$/);
  }
});

test("detection says once why a model is of no family, and what to do next", async () => {
  await rejects(
    () => detectSpec({ tensors: nets.cifarResnet(20, null) }),
    SpecError,
    /^model is of no known family: layer2\.0 widens 16 to 32 without a convolution shortcut: [^;]*; or pass its ONNX export \(--graph\), or a spec file \(inspect --spec-out writes one to fill in\)$/,
  );
});

test("families by name", async () => {
  const tensors = nets.mlp([4, 3, 2]);
  assert.equal(await familySpec("mlp", { tensors }), await detectSpec({ tensors }));
  assert.equal(FAMILIES.map(({ name }) => name).sort(), ["mlp", "resnet", "vgg"]);
  await refused(tensors, "perceptron", /^family "perceptron" is unknown, expected one of mlp, resnet, vgg, bert, /);
  await refused(tensors, "bert", /^model lacks .*, expected the names of bert$/);
});

test("no model is of two families", async () => {
  const models = [
    nets.mlp([4, 3, 2]),
    nets.flaxMlp([4, 3, 2]),
    nets.vgg(11, true),
    nets.flaxConvnet(),
    nets.resnet(18),
    nets.wideResnet16(1),
    nets.flaxResnet(),
  ];
  for (const tensors of models) {
    const fits = await Promise.all(
      FAMILIES.map(({ name }) =>
        familySpec(name, { tensors }, { normGroups: 1 }).then(
          () => true,
          () => false,
        ),
      ),
    );
    assert.is(fits.filter(Boolean).length, 1);
  }
});

test.run();
