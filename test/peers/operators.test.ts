/** Operators that exporters and onnxruntime's optimiser write: the spec of each, proved by onnxruntime. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { formatAxis } from "../../src/axes/axis.ts";
import { openModel } from "../../src/formats/open-model.ts";
import { readGraph } from "../../src/formats/operator-graph.ts";
import { inferSpec } from "../../src/infer/infer-spec.ts";
import { onnxRunner } from "../../src/verify/onnx-runner.ts";
import { verifySpec } from "../../src/verify/verify-spec.ts";
import { type OnnxNetwork, onnxNetwork } from "../reference/onnx-networks.ts";
import { onnxRuntime, withPeers } from "./peer.ts";

const test = suite("operators proved by onnxruntime");

const ORT = "com.microsoft.";
const [STEPS, WIDTH] = [5, 8];

/** `[n, 5, 8]` · a matrix, with a bias where it is asked for. */
function project(net: OnnxNetwork, name: string, out: number, value = "x", into = WIDTH): string {
  return net.add("MatMul", [value, net.weight(name, [into, out], 0.6)]);
}

const projected = (net: OnnxNetwork, ...sizes: readonly number[]): string[] =>
  sizes.map((size, at) => project(net, "qkv"[at]!, size));

const turning = (net: OnnxNetwork, pairs: number): string[] => [
  net.weight("cos", [STEPS, pairs]),
  net.weight("sin", [STEPS, pairs]),
];

/** Whole numbers below 5, `[2, 5]`: one row a batch. */
function numbers(net: OnnxNetwork, name: string): string {
  return net.add("Reshape", [net.ints(name, 0, 1, 2, 3, 4, 1, 2, 3, 4, 0), net.ints(`${name}.shape`, 2, STEPS)]);
}

const square = (net: OnnxNetwork): string => net.add("Reshape", ["x", net.ints("square", -1, STEPS, 8, 1)]);

interface Case {
  readonly name: string;
  /** The last value, `[n, 5, 12]`. */
  readonly make: (net: OnnxNetwork) => string;
  /** Axes by tensor. */
  readonly axes: Readonly<Record<string, string>>;
  readonly opset?: number;
  /** Of the last value, instead of 12. */
  readonly width?: number;
}

const CASES: readonly Case[] = [
  {
    name: "Attention: heads, and what is inside of each",
    opset: 23,
    make: (net) => net.add("Attention", projected(net, 12, 12, 12), { q_num_heads: 3, kv_num_heads: 3 }),
    axes: { q: "_, P1", k: "_, P1", v: "_, P2", out: "P2, _" },
  },
  {
    name: "Attention of rank 4 with a mask, causal, groups of queries",
    opset: 23,
    make(net) {
      const [q, k, v] = projected(net, 12, 6, 6).map((value, at) =>
        net.add("Transpose", [net.add("Reshape", [value, net.ints(`cut${at}`, 0, STEPS, at === 0 ? 4 : 2, 3)])], {
          perm: [0, 2, 1, 3],
        }),
      ) as [string, string, string];
      const mixed = net.add("Attention", [q, k, v, net.weight("mask", [STEPS, STEPS])], { is_causal: 1 });
      return net.add("Reshape", [net.add("Transpose", [mixed], { perm: [0, 2, 1, 3] }), net.ints("whole", 0, 0, 12)]);
    },
    axes: { q: "_, P0*P1/P0*P2/P0", k: "_, P2", v: "_, P3", mask: "_, _", out: "P0*P1/P0*P3/P0, _" },
  },
  {
    name: "RotaryEmbedding: pairs move with their angles, alike in queries and keys",
    opset: 23,
    make(net) {
      const [q, k, v] = projected(net, 12, 12, 12) as [string, string, string];
      const more = [...turning(net, 2), numbers(net, "places")];
      const [a, b] = [q, k].map((value) => net.add("RotaryEmbedding", [value, ...more], { num_heads: 3 }));
      return net.add("Attention", [a!, b!, v], { q_num_heads: 3, kv_num_heads: 3 });
    },
    axes: { q: "_, P0*2*P1", k: "_, P0*2*P1", cos: "_, P1", sin: "_, P1", v: "_, P2", out: "P2, _" },
  },
  {
    name: "RotaryEmbedding of onnxruntime: neighbours in pairs, a part of each head",
    make(net) {
      const [q, k, v] = projected(net, 12, 12, 12) as [string, string, string];
      const more = [numbers(net, "places"), ...turning(net, 1)];
      const attributes = { num_heads: 2, rotary_embedding_dim: 2, interleaved: 1 };
      const [a, b] = [q, k].map((value) => net.add(`${ORT}RotaryEmbedding`, [value, ...more], attributes));
      return net.add(`${ORT}MultiHeadAttention`, [a!, b!, v], { num_heads: 2 });
    },
    axes: {},
  },
  {
    name: "GroupQueryAttention: pairs turned, groups of queries",
    width: 64,
    make(net) {
      const whole = (name: string, ...values: readonly number[]): string =>
        net.add("Cast", [net.ints(name, ...values)], { to: 6 });
      const [lengths, total] = [whole("lengths", STEPS - 1, STEPS - 1), whole("total", STEPS)];
      const heads = { num_heads: 4, kv_num_heads: 2, do_rotary: 1 };
      const inputs = [...projected(net, 64, 32, 32), "", "", lengths, total, ...turning(net, 8)];
      return net.add(`${ORT}GroupQueryAttention`, inputs, heads);
    },
    axes: {},
  },
  {
    name: "EmbedLayerNormalization",
    make(net) {
      const ids = net.add("Cast", [numbers(net, "ids")], { to: 6 });
      const tables = [net.weight("words", [5, 12], 1), net.weight("places", [STEPS, 12], 1)];
      const norm = [net.weight("gamma", [12], 0.2, 1), net.weight("beta", [12])];
      const made = net.add(`${ORT}EmbedLayerNormalization`, [ids, "", ...tables, "", ...norm], {}, ["counts"]);
      return net.add("Add", [made, project(net, "q", 12)]);
    },
    axes: { words: "_, P0", places: "_, P0", gamma: "P0", q: "_, P0", out: "P0, _" },
  },
  {
    name: "FusedConv with a sum",
    width: 8,
    make(net) {
      const first = net.add("Conv", [square(net), net.weight("q", [6, STEPS, 1, 1], 0.5)]);
      const tensors = [net.weight("k", [6, 6, 3, 1], 0.3), net.weight("bias", [6])];
      const fused = net.add(`${ORT}FusedConv`, [first, ...tensors, first], { activation: "Relu", pads: [1, 0, 1, 0] });
      const last = net.add("Conv", [fused, net.weight("v", [STEPS, 6, 1, 1], 0.5)]);
      return net.add("Reshape", [last, net.ints("back", -1, STEPS, 8)]);
    },
    axes: { q: "P0, _, _, _", k: "P0, P0, _, _", bias: "P0", v: "_, P0, _, _" },
  },
  {
    name: "MultiHeadAttention with a bias and what is added to the scores",
    make: (net) =>
      net.add(
        `${ORT}MultiHeadAttention`,
        [...projected(net, 12, 12, 12), net.weight("bias", [36]), "", net.weight("added", [1, 3, STEPS, STEPS])],
        { num_heads: 3 },
      ),
    axes: { q: "_, P1", k: "_, P1", v: "_, P2", bias: "2*P1|P2", added: "_, P0, _, _", out: "P2, _" },
  },
  {
    name: "Attention of onnxruntime: one matrix for all three",
    make: (net) =>
      net.add(`${ORT}Attention`, ["x", net.weight("all", [WIDTH, 36], 0.6), net.weight("bias", [36])], {
        num_heads: 3,
        unidirectional: 1,
      }),
    axes: { all: "_, 2*P1|P2", bias: "2*P1|P2", out: "P2, _" },
  },
  {
    name: "SkipLayerNormalization, FastGelu, BiasGelu, QuickGelu",
    make(net) {
      const first = project(net, "q", 12);
      const fast = net.add(`${ORT}FastGelu`, [project(net, "up", 10, first, 12), net.weight("fast", [10])]);
      const back = project(net, "down", 12, fast, 10);
      const normed = net.add(`${ORT}SkipLayerNormalization`, [
        first,
        back,
        net.weight("gamma", [12], 0.2, 1),
        net.weight("beta", [12]),
        net.weight("skip", [12]),
      ]);
      const biased = net.add(`${ORT}BiasGelu`, [project(net, "up2", 10, normed, 12), net.weight("bias", [10])]);
      return net.add(`${ORT}QuickGelu`, [project(net, "down2", 12, biased, 10)]);
    },
    axes: { q: "_, P0", up: "P0, P1", fast: "P1", gamma: "P0", skip: "P0", bias: "P2", down2: "P2, P3", out: "P3, _" },
  },
  {
    name: "SimplifiedLayerNormalization and SkipSimplifiedLayerNormalization",
    make(net) {
      const first = project(net, "q", 12);
      const normed = net.add("SimplifiedLayerNormalization", [first, net.weight("scale", [12], 0.2, 1)], { axis: -1 });
      const more = project(net, "k", 12, normed, 12);
      return net.add(`${ORT}SkipSimplifiedLayerNormalization`, [first, more, net.weight("again", [12], 0.2, 1)]);
    },
    axes: { q: "_, P0", scale: "P0", k: "P0, P0", again: "P0", out: "P0, _" },
  },
  {
    name: "FusedMatMul and FusedGemm",
    make(net) {
      const fused = net.add(`${ORT}FusedMatMul`, ["x", net.weight("q", [12, WIDTH], 0.6)], { transB: 1 });
      const rows = net.add("Reshape", [fused, net.ints("rows", -1, 12)]);
      const tensors = [net.weight("k", [12, 12], 0.4), net.weight("bias", [12])];
      const gemm = net.add(`${ORT}FusedGemm`, [rows, ...tensors], { transB: 1, activation: "Relu" });
      return net.add("Reshape", [gemm, net.ints("back", -1, STEPS, 12)]);
    },
    axes: { q: "P0, _", k: "P1, P0", bias: "P1", out: "P1, _" },
  },
];

async function prove({ make, axes, opset = 17, width = 12 }: Case): Promise<void> {
  const net = onnxNetwork(3, opset);
  const output = net.add("MatMul", [make(net), net.weight("out", [width, 4])]);
  const model = await openModel(net.bytes({ x: ["n", STEPS, WIDTH] }, [output]), { name: "a.onnx" });
  const { spec, frozen } = await inferSpec((await readGraph(model))!, model);
  const said = (name: string): string => spec.tensors.get(name)!.axes.map(formatAxis).join(", ");
  const all = [...spec.tensors.keys()].map((name) => `${name}: ${said(name)}`).join("; ");
  for (const [name, want] of Object.entries(axes)) assert.is(said(name), want, all);
  const odd = frozen.filter(({ reason }) => /knows|not follow|unknown/.test(reason));
  assert.equal(odd, []);
  const found = await verifySpec(model, spec, await onnxRunner(model, { runtime: onnxRuntime() }));
  assert.ok(found.kept && found.deviation > 0 && found.deviation < 1e-5, JSON.stringify(found));
  // Of those that are only factors, no axis can be left out by itself.
  for (const { name, shows } of found.groups)
    if (new RegExp(`[:,] ${name}[,;]`).test(`${all};`)) assert.ok(shows, `${name} does not show: ${all}`);
  assert.ok(found.groups.some(({ shows }) => shows));
}

for (const each of CASES) withPeers(test, each.name, () => prove(each));

test.run();
