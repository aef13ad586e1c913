/** The blocks of a network, by the names of its tensors: what a gradient of a setting runs over. */

/** Where tensors are in the network. */
export interface BlockPlaces {
  /** How many blocks there are. */
  readonly count: number;
  /** From 0 for the first block to 1 for the last; 0 for tensors in no block, as mergekit has it. */
  place(tensor: string): number;
}

/**
 * The blocks that `names` are in. A tensor's block is its name up to the first number:
 * `model.layers.3.mlp.up_proj.weight` is in `model.layers.3`, `layer2.0.conv1.weight` in `layer2.0`,
 * `params/Dense_1/kernel` in `params/Dense_1`. BlockPlaces are in the order of their words and numbers, not in the
 * file's order.
 */
export function blocksOf(names: Iterable<string>): BlockPlaces {
  const blocks = new Map<string, readonly (string | number)[]>();
  for (const name of names) {
    const block = blockOf(name);
    if (block !== undefined && !blocks.has(block)) blocks.set(block, wordsOf(block));
  }
  const sorted = [...blocks].sort(([, a], [, b]) => compareWords(a, b)).map(([block]) => block);
  const places = new Map(sorted.map((block, i) => [block, sorted.length < 2 ? 0 : i / (sorted.length - 1)]));
  return { count: sorted.length, place: (tensor) => places.get(blockOf(tensor) ?? "") ?? 0 };
}

/** A part that is a number, or ends in `_` and one. A tensor's own last part is no block. */
function blockOf(name: string): string | undefined {
  return /^(.*?(?:^|[./_])\d+)[./]/.exec(name)?.[1];
}

/** Words and numbers in turn. */
const wordsOf = (block: string): (string | number)[] =>
  block.split(/(\d+)/).map((word, i) => (i % 2 === 0 ? word : Number(word)));

function compareWords(a: readonly (string | number)[], b: readonly (string | number)[]): number {
  const at = a.findIndex((word, i) => word !== b[i]);
  if (at < 0) return a.length - b.length;
  const [one, other] = [a[at]!, b[at] ?? ""];
  return one < other ? -1 : 1;
}
