/** What networks on sequences have in common. */

import type { Weights } from "./sequences.ts";

/** A network that runs on token numbers, and what its `config.json` says. */
export interface SequenceNetwork {
  /** The family that detection must find. */
  readonly family: string;
  readonly config: object;
  /** All outputs, one after the other. Asks `w` for every tensor. */
  readonly run: (w: Weights, tokens: readonly number[]) => number[];
}

export const VOCABULARY = 11;
export const LENGTH = 6;
export const LAYERS = 2;
export const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
