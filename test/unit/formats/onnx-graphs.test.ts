import { suite } from "uvu";
import * as assert from "uvu/assert";
import { SpecError } from "../../../src/base/errors.ts";
import type { Model } from "../../../src/base/model.ts";
import { detectSpec } from "../../../src/families/detect-spec.ts";
import { open as openFormat } from "../../../src/formats/onnx/onnx-format.ts";
import { bytesSource } from "../../../src/io/byte-source.ts";
import type { Files } from "../../../src/io/files.ts";
import { requireSameTensors } from "../../../src/perm/same-tensors.ts";
import { rejects } from "../../reference/expect-error.ts";
import {
  attribute,
  constant,
  floats,
  graph,
  node,
  onnxFile,
  part,
  raw,
  tensor,
  whole,
  wholes,
} from "../../reference/onnx-builder.ts";
import { counting } from "../../reference/safetensors-builder.ts";

const test = suite("ONNX graphs");

const open = (bytes: Uint8Array, files?: Files): Promise<Model> => openFormat(bytesSource(bytes, "a.onnx"), files, {});

const mlp = (transB: number, extra: readonly Uint8Array[] = []): Uint8Array =>
  onnxFile(
    graph(
      [
        constant("axes", attribute("value", part(5, tensor("", 7, [2], wholes(7, [0, -1]))))),
        node("Reshape", ["x", "axes"], ["flat"]),
        node("Gemm", ["flat", "fc1.weight", "fc1.bias"], ["a"], [attribute("transB", whole(3, transB))]),
        node("Relu", ["a"], ["h"]),
        node("Gemm", ["h", "fc2.weight", "fc2.bias"], ["y"], [attribute("transB", whole(3, transB))]),
        ...extra,
      ],
      [
        tensor("fc1.weight", 1, [4, 4], raw(counting(64))),
        tensor("fc1.bias", 1, [4], raw(counting(16))),
        tensor("fc2.weight", 1, [4, 4], raw(counting(64))),
        tensor("fc2.bias", 1, [4], raw(counting(16))),
      ],
    ),
  );

test("the graph says which axis of a square matrix is which, and two models must agree in it", async () => {
  const [turned, plain] = [await open(mlp(1)), await open(mlp(0))];
  const axes = async (model: Model): Promise<unknown> =>
    [...(await detectSpec(model)).tensors].map(([name, { axes: list }]) => [name, JSON.stringify(list)]);
  assert.not.equal(await axes(turned), await axes(plain));
  const text = new Map((await axes(plain)) as [string, string][]);
  assert.match(text.get("fc2.weight")!, /^\[\[\["P0"|^\[\[.*P0.*\],\[/);
  await rejects(async () => requireSameTensors(turned, plain), SpecError, /fc1\.weight is out-in in A and in-out in B/);
});

test("a matrix that is used in two ways, or by another operator, is of no family", async () => {
  const extra = [node("MatMul", ["fc1.weight", "h"], ["z"])];
  await rejects(
    async () => detectSpec(await open(mlp(1, extra))),
    SpecError,
    /fc1\.weight reads the data and fc1\.weight/,
  );
  await rejects(
    async () => detectSpec(await open(mlp(0, extra))),
    SpecError,
    /fc1\.weight is no dense tensor or convolution to the file's graph/,
  );
});

test("a chain by its names is refused where the graph joins, branches, repeats or orders otherwise", async () => {
  const dense = (from: string, name: string, to: string): Uint8Array =>
    node("Gemm", [from, `${name}.weight`, `${name}.bias`], [to], [attribute("transB", whole(3, 1))]);
  const file = (...nodes: Uint8Array[]): Uint8Array =>
    onnxFile(
      graph(
        nodes,
        ["fc1", "fc2", "fc3"].flatMap((name) => [
          tensor(`${name}.weight`, 1, [4, 4], raw(counting(64))),
          tensor(`${name}.bias`, 1, [4], raw(counting(16))),
        ]),
      ),
    );
  const start = [dense("x", "fc1", "a"), node("Tanh", ["a"], ["t"]), node("Mul", ["a", "t"], ["h"])];
  const detect = async (...nodes: Uint8Array[]): Promise<string | undefined> =>
    (await detectSpec(await open(file(...start, ...nodes)))).family;
  assert.is(await detect(dense("h", "fc2", "b"), dense("b", "fc3", "y")), "mlp");
  const wrong: [RegExp, Uint8Array[]][] = [
    [
      /fc3\.weight reads fc1\.weight and fc2\.weight/,
      [dense("h", "fc2", "b"), node("Add", ["h", "b"], ["s"]), dense("s", "fc3", "y")],
    ],
    [/fc3\.weight reads fc1\.weight in/, [dense("h", "fc2", "b"), dense("h", "fc3", "y")]],
    [
      /fc2\.weight reads fc1\.weight and fc2\.weight/,
      [dense("h", "fc2", "b"), dense("b", "fc2", "c"), dense("c", "fc3", "y")],
    ],
    [/fc2\.weight reads fc3\.weight in/, [dense("h", "fc3", "b"), dense("b", "fc2", "y")]],
    [
      /fc2\.weight reads the data and fc1\.weight/,
      [node("Add", ["x", "h"], ["s"]), dense("s", "fc2", "b"), dense("b", "fc3", "y")],
    ],
  ];
  for (const [message, nodes] of wrong) await rejects(() => detect(...nodes), SpecError, message);
});

test("channels that a graph rearranged are not taken for groups", async () => {
  const file = (group: number): Uint8Array =>
    onnxFile(
      graph(
        [
          node("Conv", ["x", "conv1.weight"], ["a"]),
          ...(group === 1 ? [node("DepthToSpace", ["a"], ["d"], [attribute("blocksize", whole(3, 2))])] : []),
          node("Conv", [group === 1 ? "d" : "a", "conv2.weight"], ["b"], [attribute("group", whole(3, group))]),
          node("Conv", ["b", "conv3.weight"], ["y"]),
        ],
        [
          tensor("conv1.weight", 1, [8, 3, 1, 1], raw(counting(96))),
          tensor("conv2.weight", 1, [4, 2, 1, 1], raw(counting(32))),
          tensor("conv3.weight", 1, [3, 4, 1, 1], raw(counting(48))),
        ],
      ),
    );
  const { assumptions } = await detectSpec(await open(file(4)));
  assert.match(String(assumptions), /conv2\.weight is depthwise or grouped/);
  await rejects(
    async () => detectSpec(await open(file(1))),
    SpecError,
    /conv2\.weight has 1 groups in the file's graph, expected 4/,
  );
});

test("after convolutions the order of a flatten is that of the graph", async () => {
  const file = (transposed: boolean): Uint8Array =>
    onnxFile(
      graph(
        [
          node("Conv", ["x", "conv.weight"], ["a"]),
          ...(transposed ? [node("Transpose", ["a"], ["t"], [attribute("perm", wholes(8, [0, 2, 3, 1]))])] : []),
          node("Flatten", [transposed ? "t" : "a"], ["f"]),
          node("MatMul", ["f", "fc.weight"], ["y"]),
        ],
        [tensor("conv.weight", 1, [2, 1, 1, 1], raw(floats(1, 2))), tensor("fc.weight", 1, [8, 3], raw(counting(96)))],
      ),
    );
  const factors = async (transposed: boolean): Promise<string> =>
    JSON.stringify((await detectSpec(await open(file(transposed)))).tensors.get("fc.weight")!.axes[0]);
  const [major, minor] = [await factors(false), await factors(true)];
  assert.ok(major.indexOf("C0") < major.indexOf("4"), major);
  assert.ok(minor.indexOf("C0") > minor.indexOf("4"), minor);
});

test.run();
