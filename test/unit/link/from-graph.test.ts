import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Spec } from "../../../src/axes/types.ts";
import { SpecError } from "../../../src/base/errors.ts";
import { memoryModel, type TensorData } from "../../../src/base/memory-model.ts";
import type { Model } from "../../../src/base/model.ts";
import { detectSpec } from "../../../src/families/detect-spec.ts";
import { openModel } from "../../../src/formats/open-model.ts";
import { graphSpec, ownGraphSpec, sameGroups } from "../../../src/link/from-graph.ts";
import { matchWeights } from "../../../src/match/match-weights.ts";
import { chooseSpec } from "../../../src/plan/rebasin.ts";
import { rejects } from "../../reference/expect-error.ts";
import { branchedOnnx, mlpOnnx, onnxNetwork, resnetOnnx, vggOnnx } from "../../reference/onnx-networks.ts";

const test = suite("specs from graphs");

const open = (bytes: Uint8Array, name = "a.onnx"): Promise<Model> => openModel(bytes, { name });
const none = (): Promise<Spec> => Promise.reject(new SpecError("names say nothing"));

const NETWORKS = [
  ["MLP", mlpOnnx],
  ["VGG", vggOnnx],
  ["ResNet", resnetOnnx],
] as const;

/** The model's tensors without its file, with other names and the matrices transposed. */
async function copied(model: Model, rename: (name: string) => string, turn: boolean): Promise<Model> {
  const tensors = new Map<string, TensorData>();
  for (const [name, { dtype, shape }] of model.tensors) {
    const bytes = (await model.read(name)).slice();
    const [rows, columns] = shape as [number, number];
    if (!turn || shape.length !== 2 || dtype !== "F32") tensors.set(rename(name), { dtype, shape, data: bytes });
    else {
      const values = new Float32Array(bytes.buffer);
      const turned = values.map((_, i) => values[(i % rows) * columns + Math.floor(i / rows)]!);
      tensors.set(rename(name), { dtype, shape: [columns, rows], data: new Uint8Array(turned.buffer) });
    }
  }
  return memoryModel(tensors, { name: "m" });
}

for (const [name, build] of NETWORKS) {
  test(`${name}: the graph says what names and shapes say, group for group`, async () => {
    const model = await open(build());
    const detected = await detectSpec(model);
    const found = await ownGraphSpec(model, none());
    assert.ok(sameGroups(detected, found, model));
    assert.is(found.basis, "graph");
    // Then the names of groups are the family's.
    assert.equal((await ownGraphSpec(model, Promise.resolve(detected))).tensors, detected.tensors);
    const { family, basis } = await chooseSpec("auto", model);
    assert.equal([family, basis], [detected.family, "graph"]);
  });

  test(`${name}: a checkpoint with other names and transposed matrices, by the graph exported of it`, async () => {
    const file = await open(build());
    const model = await copied(file, (tensor) => `net/${tensor.replaceAll(".", "_")}`, true);
    const { spec, links } = await graphSpec(file, model);
    const detected = await detectSpec(file);
    const own = await copied(file, (tensor) => tensor, false);
    const same = (await graphSpec(file, own)).spec;
    assert.ok(sameGroups(detected, same, own));
    assert.ok(links.every(({ by }) => by === "content"));
    // What stays is named as the checkpoint has it: matrices are transposed there.
    const last = [...file.tensors].filter(([, { shape }]) => shape.length === 2).at(-1)![0];
    const line = `net/${last.replaceAll(".", "_")} axis 1: outputs keep their order`;
    assert.ok(
      spec.frozen!.some((text) => text.startsWith(line)),
      spec.frozen!.join("\n"),
    );
    const other = await copied(await open(build(2)), (tensor) => `net/${tensor.replaceAll(".", "_")}`, true);
    const { permutations } = await matchWeights(model, other, spec);
    const direct = await matchWeights(own, await copied(await open(build(2)), (tensor) => tensor, false), same);
    const orders = (found: ReadonlyMap<string, Int32Array>): string[] => [...found.values()].map(String).sort();
    assert.equal(orders(permutations), orders(direct.permutations));
  });
}

test("a network that no family knows: a concat of two branches, and a sum that names do not show", async () => {
  const model = await open(branchedOnnx());
  const spec = await chooseSpec("auto", model);
  assert.is(spec.basis, "graph");
  const text = (tensor: string): string =>
    spec.tensors
      .get(tensor)!
      .axes.map((axis) => axis.map((part) => part.join("*")).join("|"))
      .join(", ");
  assert.is(text("four.w"), `_, ${text("one.b")}|${text("two.b")}`);
  assert.is(text("three.w"), `${text("three.b")}, ${text("three.b")}`);
});

test("where the graph cannot be read, names and shapes count; where neither says anything, the graph's reason", async () => {
  const old = await open(onnxNetwork(1, 6).bytes({ x: [1] }, ["x"]));
  const spec: Spec = { tensors: new Map(), permutations: new Map(), rest: "fixed" };
  assert.is(await ownGraphSpec(old, Promise.resolve(spec)), spec);
  await rejects(() => ownGraphSpec(old, none()), Error, /opset 6, expected 7 to 26/);
});

test("two specs are of the same groups up to their names alone", async () => {
  const model = await open(mlpOnnx(1, [8, 8]));
  const spec = await detectSpec(model);
  const swapped = (text: unknown): unknown => (text === "P0" ? "P1" : text === "P1" ? "P0" : text);
  const renamed = (change: (factor: unknown) => unknown): Spec => ({
    ...spec,
    tensors: new Map(
      [...spec.tensors].map(([name, tensor]) => [
        name,
        { ...tensor, axes: tensor.axes.map((axis) => axis.map((part) => part.map((each) => change(each) as string))) },
      ]),
    ),
  });
  assert.ok(sameGroups(spec, renamed(swapped), model));
  assert.not(
    sameGroups(
      spec,
      renamed((each) => (each === "P1" ? "P0" : each)),
      model,
    ),
  );
  assert.not(
    sameGroups(
      spec,
      renamed((each) => (each === "P1" ? "_" : each)),
      model,
    ),
  );
});

test.run();
