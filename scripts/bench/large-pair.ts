/**
 * Makes pairs of models too large for a repository: `node scripts/run.mjs scripts/bench/large-pair.ts gpt2|gpt2-f32|llama FOLDER`. The
 * second model of a pair is the first with its units renumbered and noise on every weight, so a matching has something to find.
 */

import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { createRng, type Rng, randomPermutation } from "../../src/base/rng.ts";

interface Shape {
  readonly name: string;
  readonly shape: readonly [number] | readonly [number, number];
  readonly axes: readonly string[];
}

interface Kind {
  readonly dtype: "F16" | "BF16" | "F32";
  readonly tensors: readonly Shape[];
  /** Units of each permutation; `outer`: blocks that move whole. */
  readonly permutations: Readonly<Record<string, { readonly size: number; readonly outer?: string }>>;
  /** Files that a model is cut into. */
  readonly shards: number;
}

/** GPT-2 small: 124,439,808 weights, D 768, 12 blocks, 12 heads. Its fused attention comes in three, as the spec has no shares. */
function gpt2(): Kind {
  const [width, inner, blocks, heads, words, places] = [768, 3072, 12, 12, 50257, 1024];
  const tensors: Shape[] = [
    { name: "wte.weight", shape: [words, width], axes: ["_", "D"] },
    { name: "wpe.weight", shape: [places, width], axes: ["_", "D"] },
  ];
  const permutations: Record<string, { size: number; outer?: string }> = { D: { size: width } };
  for (let b = 0; b < blocks; b++) {
    const [at, head, value, unit] = [`h.${b}`, `H${b}`, `V${b}`, `F${b}`];
    permutations[head] = { size: heads };
    permutations[value] = { size: width, outer: head };
    permutations[unit] = { size: inner };
    for (const norm of ["ln_1", "ln_2"])
      for (const part of ["weight", "bias"])
        tensors.push({ name: `${at}.${norm}.${part}`, shape: [width], axes: ["D"] });
    for (const part of ["q", "k"]) {
      tensors.push({
        name: `${at}.attn.${part}.weight`,
        shape: [width, width],
        axes: ["D", `${head}*${width / heads}`],
      });
      tensors.push({ name: `${at}.attn.${part}.bias`, shape: [width], axes: [`${head}*${width / heads}`] });
    }
    tensors.push(
      { name: `${at}.attn.v.weight`, shape: [width, width], axes: ["D", value] },
      { name: `${at}.attn.v.bias`, shape: [width], axes: [value] },
      { name: `${at}.attn.c_proj.weight`, shape: [width, width], axes: [value, "D"] },
      { name: `${at}.attn.c_proj.bias`, shape: [width], axes: ["D"] },
      { name: `${at}.mlp.c_fc.weight`, shape: [width, inner], axes: ["D", unit] },
      { name: `${at}.mlp.c_fc.bias`, shape: [inner], axes: [unit] },
      { name: `${at}.mlp.c_proj.weight`, shape: [inner, width], axes: [unit, "D"] },
      { name: `${at}.mlp.c_proj.bias`, shape: [width], axes: ["D"] },
    );
  }
  for (const part of ["weight", "bias"]) tensors.push({ name: `ln_f.${part}`, shape: [width], axes: ["D"] });
  return { dtype: "F16", tensors, permutations, shards: 1 };
}

/** TinyLlama's shape: 1,100,048,384 weights, D 2048, F 5632, 22 blocks, 32 heads that share keys and values by eight. */
function llama(): Kind {
  const [width, inner, blocks, groups, shared, words] = [2048, 5632, 22, 4, 256, 32000];
  const tensors: Shape[] = [{ name: "model.embed_tokens.weight", shape: [words, width], axes: ["_", "_"] }];
  const permutations: Record<string, { size: number; outer?: string }> = {};
  for (let b = 0; b < blocks; b++) {
    const [at, group, unit] = [`model.layers.${b}`, `G${b}`, `F${b}`];
    permutations[group] = { size: groups };
    permutations[unit] = { size: inner };
    const [queries, keys] = [`${group}*${width / groups}`, `${group}*${shared / groups}`];
    tensors.push(
      { name: `${at}.input_layernorm.weight`, shape: [width], axes: ["_"] },
      { name: `${at}.self_attn.q_proj.weight`, shape: [width, width], axes: [queries, "_"] },
      { name: `${at}.self_attn.k_proj.weight`, shape: [shared, width], axes: [keys, "_"] },
      { name: `${at}.self_attn.v_proj.weight`, shape: [shared, width], axes: [keys, "_"] },
      { name: `${at}.self_attn.o_proj.weight`, shape: [width, width], axes: ["_", queries] },
      { name: `${at}.post_attention_layernorm.weight`, shape: [width], axes: ["_"] },
      { name: `${at}.mlp.gate_proj.weight`, shape: [inner, width], axes: [unit, "_"] },
      { name: `${at}.mlp.up_proj.weight`, shape: [inner, width], axes: [unit, "_"] },
      { name: `${at}.mlp.down_proj.weight`, shape: [width, inner], axes: ["_", unit] },
    );
  }
  tensors.push(
    { name: "model.norm.weight", shape: [width], axes: ["_"] },
    { name: "lm_head.weight", shape: [words, width], axes: ["_", "_"] },
  );
  return { dtype: "BF16", tensors, permutations, shards: 3 };
}

const KINDS: Readonly<Record<string, () => Kind>> = { gpt2, "gpt2-f32": () => ({ ...gpt2(), dtype: "F32" }), llama };

/** The order of the units of an axis such as `D`, `H0*64` or `_`; null where they stay. */
function orderOf(axis: string, orders: ReadonlyMap<string, Int32Array>): Int32Array | null {
  const [name, repeated = "1"] = axis.split("*");
  const order = orders.get(name!);
  if (order === undefined) return null;
  const run = Number(repeated);
  return Int32Array.from({ length: order.length * run }, (_, i) => order[Math.floor(i / run)]! * run + (i % run));
}

function drawOrders({ permutations }: Kind, rng: Rng): Map<string, Int32Array> {
  const orders = new Map<string, Int32Array>();
  for (const [name, { size, outer }] of Object.entries(permutations)) {
    if (outer === undefined) {
      orders.set(name, randomPermutation(size, rng));
      continue;
    }
    const blocks = orders.get(outer)!;
    const run = size / blocks.length;
    const order = new Int32Array(size);
    for (const [at, block] of blocks.entries())
      randomPermutation(run, rng).forEach((unit, i) => {
        order[at * run + i] = block * run + unit;
      });
    orders.set(name, order);
  }
  return orders;
}

const [BITS, FLOAT] = (() => {
  const float = new Float32Array(1);
  return [new Uint32Array(float.buffer), float];
})();

function toBf16(value: number): number {
  FLOAT[0] = value;
  return (BITS[0]! + 0x7fff + ((BITS[0]! >>> 16) & 1)) >>> 16;
}

/** Of numbers that half precision has as normal ones; smaller ones become 0. */
function toF16(value: number): number {
  FLOAT[0] = value;
  const bits = BITS[0]! + 0x1000;
  const exponent = ((bits >>> 23) & 0xff) - 112;
  const sign = (bits >>> 16) & 0x8000;
  return exponent <= 0 ? sign : sign | (exponent << 10) | ((bits >>> 13) & 0x3ff);
}

/** A weight by its tensor and place, always the same: like noise, of a standard deviation of about 0.02. */
function weightAt(seed: number, at: number): number {
  let x = (at ^ Math.imul(seed, 0x9e3779b1)) | 0;
  let sum = 0;
  for (let i = 0; i < 3; i++) {
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    x ^= x >>> 16;
    sum += (x >>> 0) / 2 ** 32 - 0.5;
  }
  return 0.04 * sum;
}

function fill(
  target: Uint16Array | Float32Array,
  t: number,
  shape: Shape,
  kind: Kind,
  orders: ReadonlyMap<string, Int32Array> | null,
) {
  const convert = { F16: toF16, BF16: toBf16, F32: (value: number) => value }[kind.dtype];
  const [rows, columns] = shape.shape.length === 1 ? [shape.shape[0], 1] : [shape.shape[0]!, shape.shape[1]!];
  const rowOrder = orders === null ? null : orderOf(shape.axes[0]!, orders);
  const columnOrder = orders === null || shape.axes.length < 2 ? null : orderOf(shape.axes[1]!, orders);
  for (let i = 0; i < rows; i++) {
    const from = (rowOrder === null ? i : rowOrder[i]!) * columns;
    for (let j = 0; j < columns; j++) {
      const at = from + (columnOrder === null ? j : columnOrder[j]!);
      const noise = orders === null ? 0 : 0.5 * weightAt(t + 7919, i * columns + j);
      target[i * columns + j] = convert(weightAt(t, at) + noise);
    }
  }
}

const elementsOf = (shape: readonly number[]): number => shape.reduce((all, size) => all * size, 1);

/** Tensors of each file: about as many bytes in every one. */
function shardsOf({ tensors, shards }: Kind): (readonly [number, Shape])[][] {
  const bytes = ({ shape }: Shape): number => elementsOf(shape);
  const each = tensors.reduce((sum, tensor) => sum + bytes(tensor), 0) / shards;
  const parts: (readonly [number, Shape])[][] = [[]];
  let filled = 0;
  for (const [t, tensor] of tensors.entries()) {
    if (filled >= each && parts.length < shards) {
      parts.push([]);
      filled = 0;
    }
    parts.at(-1)!.push([t, tensor]);
    filled += bytes(tensor);
  }
  return parts;
}

function writeModel(kind: Kind, folder: string, orders: ReadonlyMap<string, Int32Array> | null): void {
  mkdirSync(folder, { recursive: true });
  const parts = shardsOf(kind);
  const map: Record<string, string> = {};
  let total = 0;
  for (const [number, part] of parts.entries()) {
    const five = (n: number): string => String(n).padStart(5, "0");
    const name =
      parts.length === 1 ? "model.safetensors" : `model-${five(number + 1)}-of-${five(parts.length)}.safetensors`;
    const header: Record<string, unknown> = {};
    let end = 0;
    for (const [, { name: tensor, shape }] of part) {
      const bytes = (kind.dtype === "F32" ? 4 : 2) * elementsOf(shape);
      header[tensor] = { dtype: kind.dtype, shape, data_offsets: [end, end + bytes] };
      map[tensor] = name;
      end += bytes;
    }
    total += end;
    const text = JSON.stringify(header);
    const json = Buffer.from(text.padEnd(Math.ceil(text.length / 8) * 8));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(json.length));
    const file = openSync(join(folder, name), "w");
    writeSync(file, Buffer.concat([length, json]));
    for (const [t, shape] of part) {
      const count = elementsOf(shape.shape);
      const values = kind.dtype === "F32" ? new Float32Array(count) : new Uint16Array(count);
      fill(values, t, shape, kind, orders);
      writeSync(file, new Uint8Array(values.buffer));
    }
    closeSync(file);
  }
  if (parts.length > 1)
    writeFileSync(
      join(folder, "model.safetensors.index.json"),
      JSON.stringify({ metadata: { total_size: total }, weight_map: map }),
    );
}

const [which = "", folder] = process.argv.slice(2);
const make = KINDS[which];
if (make === undefined || folder === undefined) {
  console.error(`usage: large-pair.ts ${Object.keys(KINDS).join("|")} FOLDER, expected a kind and a folder with room`);
  process.exit(2);
}
const kind = make();
const nested = Object.entries(kind.permutations).flatMap(([name, { size, outer }]) =>
  outer === undefined ? [] : [[name, { outer, inner: size / kind.permutations[outer]!.size }]],
);
writeModel(kind, join(folder, "a"), null);
writeModel(kind, join(folder, "b"), drawOrders(kind, createRng(1)));
const spec = {
  format: "rebasin-spec/1",
  tensors: Object.fromEntries(kind.tensors.map(({ name, axes }) => [name, { axes }])),
  permutations: Object.fromEntries(nested),
};
writeFileSync(join(folder, "spec.json"), JSON.stringify(spec, null, 1));
console.log(`made ${join(folder, "a")}, ${join(folder, "b")} and ${join(folder, "spec.json")}`);
