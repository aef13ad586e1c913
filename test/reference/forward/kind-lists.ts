import type { PlainNetwork } from "./network.ts";

type Forward = PlainNetwork["forward"];

export const net = (
  name: string,
  input: readonly number[],
  forward: Forward,
  more: Partial<PlainNetwork> = {},
): PlainNetwork => ({ name, input, forward, ...more });

/** One network for each list of names, with the index of the list. */
export const each = (
  kind: string,
  names: readonly string[],
  build: (names: readonly string[], i: number) => PlainNetwork,
): PlainNetwork[] =>
  names.map((line, i) => {
    const network = build(line.split(" "), i);
    return { ...network, name: `${kind}: ${line}` };
  });

export const softmax = (scores: readonly number[]): number[] => {
  const powers = scores.map((x) => 2 ** x);
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((x) => x / sum);
};
