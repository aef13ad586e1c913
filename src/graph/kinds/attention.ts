/** Attention as one operator: of ONNX (from opset 23), and those that onnxruntime's optimiser writes. */

import { multiplied } from "./contractions.ts";
import { joined } from "./elementwise.ts";
import { attend, byHeads, sideBySide, turned, withPast } from "./heads.ts";
import type { Call, GraphValue, Kind } from "./kind.ts";
import { within } from "./normalisation.ts";
import type { Size } from "./sizes.ts";

/** Inputs whose order is that of steps, angles or lengths. */
function fixThese(call: Call, reason: string, ...places: readonly number[]): boolean {
  const given = places.filter((at) => call.inputs[at] !== undefined);
  for (const at of given) call.fix(call.input(at), reason);
  return given.length > 0;
}

const MASKED = "is masked by the numbers of its steps";

/** Q, K, V, mask, past keys, past values, lengths. */
const attention: Kind = (call) => {
  const [heads, groups] = [call.number("q_num_heads", 0), call.number("kv_num_heads", 0)];
  const q = byHeads(call, call.input(0), heads);
  const k = withPast(call, call.inputs[4], byHeads(call, call.input(1), groups));
  const v = withPast(call, call.inputs[5], byHeads(call, call.input(2), groups));
  const isOrdered = fixThese(call, "is a length", 6) || call.number("is_causal", 0) !== 0;
  const added = [call.inputs[3]];
  const [mixed, weights] = attend(call, { q, k, v, added, ordered: isOrdered ? MASKED : undefined });
  return [call.input(0).shape!.length === 3 ? sideBySide(call, mixed) : mixed, k, v, weights];
};

/** The part of a bias for one of the projections, by heads. */
function biased(call: Call, value: GraphValue, from: number, until: number): GraphValue {
  const [, heads, , inner] = value.shape as [Size, Size, Size, Size];
  const positions = Array.from({ length: until - from }, (_, at) => from + at);
  return joined(call, [value, call.reshape(call.take(call.input(3), 0, positions), [heads, 1, inner])]);
}

/** Query, key, value by heads: apart, or the last two or all three inside of each head. */
function projections(call: Call, heads: number): [GraphValue, GraphValue, GraphValue] {
  const of = (value: GraphValue, at: number): GraphValue => call.transpose(call.take(value, 3, at), [0, 2, 1, 3]);
  const [query, key] = [call.input(0), call.inputs[1]];
  if (query.shape?.length === 5) return [of(query, 0), of(query, 1), of(query, 2)];
  const q = byHeads(call, query, heads);
  if (key?.shape?.length === 5) return [q, of(key, 0), of(key, 1)];
  return [q, byHeads(call, call.input(1), heads), byHeads(call, call.input(2), heads)];
}

/** Query, key, value, bias, padding, what is added, past keys, past values, two of shared buffers. */
const multiHead: Kind = (call) => {
  if (fixThese(call, "is a buffer that steps share", 8, 9)) return givenUp(call, "shares buffers with other steps");
  const plain = projections(call, call.number("num_heads", 1));
  const sizes = plain.map(({ shape }) => Number(shape![1]) * Number(shape![3]));
  let parts: GraphValue[] = plain;
  if (call.inputs[3] !== undefined) {
    if (sizes.some(Number.isNaN) || call.inputs[1]?.shape?.length === 4)
      return givenUp(call, "adds a bias to some of its inputs");
    let from = 0;
    parts = plain.map((value, at) => {
      from += sizes[at]!;
      return biased(call, value, from - sizes[at]!, from);
    });
  }
  const [q, key, value] = parts as [GraphValue, GraphValue, GraphValue];
  const [k, v] = [withPast(call, call.inputs[6], key), withPast(call, call.inputs[7], value)];
  const isOrdered = fixThese(call, "masks steps", 4) || call.number("unidirectional", 0) !== 0;
  const added = [call.inputs[5]];
  const [mixed, weights] = attend(call, { q, k, v, added, ordered: isOrdered ? MASKED : undefined });
  return [sideBySide(call, mixed), k, v, weights];
};

function givenUp(call: Call, reason: string): GraphValue[] {
  for (const value of call.inputs) if (value !== undefined) call.fix(value, reason);
  const [batch, time] = call.inputs[0]?.shape ?? [];
  const output = call.fixed([batch ?? call.unknown(), time ?? call.unknown(), call.unknown()], reason);
  return [output, ...call.operator.outputs.slice(1).map(() => call.opaque(reason))];
}

/** The last axis cut into parts of these sizes. */
function cut(call: Call, value: GraphValue, sizes: readonly number[]): GraphValue[] {
  let from = 0;
  return sizes.map((size) => {
    from += size;
    return call.take(
      value,
      value.shape!.length - 1,
      Array.from({ length: size }, (_, at) => from - size + at),
    );
  });
}

/** `com.microsoft.Attention`: input, one matrix for all projections, bias, mask, past, what is added, length. */
const fusedAttention: Kind = (call) => {
  const width = call.input(1).shape?.[1];
  const sizes = call.numbers("qkv_hidden_sizes") ?? (typeof width === "number" ? Array(3).fill(width / 3) : undefined);
  if (sizes === undefined || call.inputs[6] !== undefined) return givenUp(call, "shares buffers with other steps");
  const product = multiplied(call, call.ranked(call.input(0), 3), call.input(1));
  const bias = call.inputs[2];
  const all = bias === undefined ? product : joined(call, [product, bias]);
  const heads = call.number("num_heads", 1);
  const parts = cut(call, all, sizes).map((part) => byHeads(call, part, heads));
  const turns = call.number("do_rotary", 0) !== 0;
  const angles = { tables: [], count: call.number("rotary_embedding_dim", 0), isInterleaved: false };
  const [q, key] = parts.slice(0, 2).map((part) => (turns ? turned(call, part, angles) : part)) as [
    GraphValue,
    GraphValue,
  ];
  const past = (at: number): GraphValue | undefined => call.inputs[4] && call.take(call.input(4), 0, at);
  const [k, v] = [withPast(call, past(0), key), withPast(call, past(1), parts[2]!)];
  const isOrdered = fixThese(call, "masks steps", 3) || call.number("unidirectional", 0) !== 0;
  const added = [call.inputs[5]];
  const [mixed] = attend(call, { q, k, v, added, ordered: isOrdered ? MASKED : undefined });
  const present = (): GraphValue =>
    call.concat(
      [k, v].map((value) => call.reshape(value, [1, ...value.shape!])),
      0,
    );
  return [sideBySide(call, mixed), call.operator.outputs.length > 1 ? present() : undefined];
};

/** Query, key, value, past of both, two lengths, cosines, sines, positions, what is added, a weight a head. */
const groupedQuery: Kind = (call) => {
  const [heads, groups] = [call.number("num_heads", 1), call.number("kv_num_heads", 1)];
  if (fixThese(call, "scales a cache", 12, 13)) return givenUp(call, "keeps a quantised cache");
  fixThese(call, "is a length", 5, 6);
  const turns = call.number("do_rotary", 0) !== 0;
  const tables = [call.inputs[7], call.inputs[8]].filter((value) => value !== undefined);
  const count = 2 * Number(tables[0]?.shape?.at(-1) ?? 0) || 0;
  const angles = { tables, count, isInterleaved: call.number("rotary_interleaved", 0) !== 0 };
  fixThese(call, "are numbers of steps", 9);
  const query = call.input(0);
  const width = query.shape?.[2];
  if (typeof width !== "number") return givenUp(call, "has queries of unknown size");
  const inner = width / (call.inputs[1] === undefined ? heads + 2 * groups : heads);
  const packed =
    call.inputs[1] === undefined
      ? cut(
          call,
          query,
          [heads, groups, groups].map((each) => each * inner),
        )
      : [];
  const own = [packed[0] ?? query, packed[1] ?? call.input(1), packed[2] ?? call.input(2)];
  const [plain, key, value] = own.map((part, at) => byHeads(call, part, at === 0 ? heads : groups)) as GraphValue[];
  const [q, now] = [plain!, key!].map((part) => (turns ? turned(call, part, angles) : part)) as [
    GraphValue,
    GraphValue,
  ];
  const [k, v] = [withPast(call, call.inputs[3], now), withPast(call, call.inputs[4], value!)];
  const sink = call.inputs[11];
  const added = [call.inputs[10], sink && call.reshape(sink, [heads, 1, 1])];
  const [mixed, weights] = attend(call, { q, k, v, added, ordered: MASKED });
  return [sideBySide(call, mixed), k, v, weights];
};

/** Of ONNX: input, cosines, sines, positions. Of onnxruntime: positions come second. */
const rotary =
  (cosines: number, numbers: number): Kind =>
  (call) => {
    const value = call.input(0);
    const tables = [call.input(cosines), call.input(cosines + 1)];
    fixThese(call, "are numbers of steps", numbers);
    const pairs = 2 * Number(tables[0]!.shape?.at(-1)) || 0;
    const count = call.number("rotary_embedding_dim", 0) || pairs;
    const angles = { tables, count, isInterleaved: call.number("interleaved", 0) !== 0 };
    if (value.shape?.length === 4) return [turned(call, value, angles)];
    // Without a number of heads, the angles are those of a whole head.
    const width = call.ranked(value, 3).shape![2]!;
    const heads = call.number("num_heads", 0) || Number(width) / count;
    if (Number.isInteger(heads) && heads >= 1)
      return [sideBySide(call, turned(call, byHeads(call, value, heads), angles))];
    for (const each of [value, ...tables]) call.fix(each, "is turned by heads of unknown size");
    return [value];
  };

/** Words, kinds of words, and positions summed and normed: numbers, tables, scale, shift, mask, positions. */
const embedded: Kind = (call) => {
  fixThese(call, "is a mask", 7);
  const tables = [2, 3, 4].flatMap((at) => (call.inputs[at] === undefined ? [] : [call.input(at)]));
  const places = call.inputs.slice(0, 2).filter((value) => value !== undefined);
  const [sum] = call.relate({
    operands: [
      ...tables.map((value, at) => ({ value, labels: [`row${at}`, "d"] })),
      ...places.map((value) => ({ value, labels: ["b", "s"] })),
    ],
    outputs: [["b", "s", "d"]],
    ordered: new Map([0, 1, 2].map((at) => [`row${at}`, "is gathered by numbers that the data tell"])),
  });
  const result = joined(call, [within(call, sum!, [0, 1]), call.input(5), call.input(6)]);
  return [result, call.opaque("counts words"), sum];
};

/** Weights of a few bits in blocks of columns: rows and columns are packed together. */
const packedBits: Kind = (call) => {
  const reason = `${call.operator.kind} packs its weights in blocks of bits`;
  for (const value of call.inputs) if (value !== undefined) call.fix(value, reason);
  const before = call.input(0).shape?.slice(0, -1);
  return [before === undefined ? call.opaque(reason) : call.fixed([...before, call.number("N", 0)], reason)];
};

/** One entry for each kind. */
export const ATTENTION: readonly [string, Kind][] = [
  ["Attention", attention],
  ["RotaryEmbedding", rotary(1, 3)],
  ["com.microsoft.Attention", fusedAttention],
  ["com.microsoft.MultiHeadAttention", multiHead],
  ["com.microsoft.GroupQueryAttention", groupedQuery],
  ["com.microsoft.RotaryEmbedding", rotary(2, 1)],
  ["com.microsoft.EmbedLayerNormalization", embedded],
  ["com.microsoft.MatMulNBits", packedBits],
  ["com.microsoft.MatMulBnb4", packedBits],
];
