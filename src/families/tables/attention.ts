/** The permutations of attention, for tables. */

import type { PermutationRow } from "./table.ts";

/** The axes of one attention's tensors, and its permutations. */
export interface AttentionAxes {
  readonly q: string;
  readonly k: string;
  readonly v: string;
  /** Of the input of the output matrix. */
  readonly o: string;
  readonly permutations: Readonly<Record<string, PermutationRow>>;
}

export interface AttentionKind {
  readonly heads: number;
  /** Fewer than heads where groups of heads share keys and values. Default: as many. */
  readonly kvHeads?: number | undefined;
  readonly headDim: number;
  /** Units of a head of values; default `headDim`. */
  readonly valueDim?: number | undefined;
  /** Positions turn pairs of units of q and k, or a norm has a gain for each unit: their order stays. */
  readonly keepsOrder: boolean;
  /** Heads differ by their number (ALiBi): they stay. */
  readonly keepsHeads?: boolean | undefined;
  /** Behind the names of the permutations: `{L}`, or `.self{L}` where a layer has two attentions. */
  readonly suffix: string;
}

/**
 * The axes of attention with as many heads of keys as of queries, or with groups of them. Heads move in q, k, v and o
 * together. Inside a head, units of q and k have one order, where it is free, and units of v and o another.
 */
export function attentionAxes(kind: AttentionKind): AttentionAxes {
  const { heads, kvHeads = heads, headDim, valueDim = headDim, keepsOrder, keepsHeads = false, suffix } = kind;
  const permutations: Record<string, PermutationRow> = {};
  const [G, H, K, V] = ["G", "H", "K", "V"].map((letter) => `${letter}${suffix}`) as [string, string, string, string];
  if (keepsHeads) {
    // Inside heads that stay, the order of each head is free by itself.
    const each = (letter: string, times: number): string => {
      permutations[`${letter}${suffix}.h{N}`] = { role: "head-inner" };
      const names = Array.from({ length: kvHeads }, (_, head) => `${letter}${suffix}.h${head}`);
      return names.map((name) => (times === 1 ? name : `${times}*${name}`)).join("|");
    };
    const shared = heads / kvHeads;
    return {
      q: keepsOrder ? `${heads * headDim}` : each("K", shared),
      k: keepsOrder ? `${kvHeads * headDim}` : each("K", 1),
      v: each("V", 1),
      o: each("V", shared),
      permutations,
    };
  }
  if (kvHeads === heads) {
    permutations[H] = { role: "heads" };
    permutations[V] = { role: "head-inner", in: [H, valueDim] };
    if (!keepsOrder) permutations[K] = { role: "head-inner", in: [H, headDim] };
    const qk = keepsOrder ? `${H}*${headDim}` : K;
    return { q: qk, k: qk, v: V, o: V, permutations };
  }
  permutations[G] = { role: "heads" };
  permutations[H] = { role: "heads", in: [G, heads / kvHeads] };
  permutations[V] = { role: "head-inner", in: [G, valueDim] };
  if (!keepsOrder) permutations[K] = { role: "head-inner", in: [G, headDim] };
  return {
    q: keepsOrder ? `${H}*${headDim}` : `${G}*${H}/${G}*${K}/${G}`,
    k: keepsOrder ? `${G}*${headDim}` : K,
    v: V,
    o: `${G}*${H}/${G}*${V}/${G}`,
    permutations,
  };
}
