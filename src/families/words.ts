/** What single words of a module's path contain: numbers, and the words that are in a word. */

/**
 * A path without the digits that are part of a word and no number: `conv2d` and `BatchNorm1d` become `conv` and
 * `BatchNorm`.
 */
export function withoutDimensions(path: string): string {
  return path.replace(/(conv|norm|bn)[123]d/gi, "$1");
}

/** The numbers in a path, in order: `layer1.0.conv2` has 1, 0, 2, and `conv2d` none. */
export function pathNumbers(path: string): number[] {
  return (withoutDimensions(path).match(/\d+/g) ?? []).map(Number);
}

/** One word of a module's path, taken apart: `conv1_bn2` has the subwords conv and bn and the numbers 1 and 2. */
export interface PathWord {
  readonly text: string;
  /** In lower case, without numbers and what ties them on: `Dense_1` and `dense` have one stem. */
  readonly stem: string;
  /** In lower case, parted at numbers, `_`, `-` and capitals. */
  readonly subwords: readonly string[];
  readonly numbers: readonly number[];
  /** Digits only: a place in a numbered container. */
  readonly isIndex: boolean;
}

/** Runs of digits, and runs of what is neither a digit nor ties words together. */
const PIECES = /\d+|[^\d_\-~ ]+/g;

/** Where a capital starts a word: `conv|In`, `BN|Layer`. */
const CAPITALS = /(?<=\p{Ll})(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll})/u;

/** Takes a word apart. */
export function partOf(text: string): PathWord {
  const subwords: string[] = [];
  const stem: string[] = [];
  for (const piece of withoutDimensions(text).match(PIECES) ?? []) {
    if (/^\d/.test(piece)) {
      if (stem.at(-1) !== "#") stem.push("#");
      continue;
    }
    const words = piece.split(CAPITALS).map((word) => word.toLowerCase());
    subwords.push(...words);
    stem.push(...words);
  }
  const numbers = pathNumbers(text);
  if (stem.at(-1) === "#") stem.pop();
  return { text, stem: stem.join("-"), subwords, numbers, isIndex: numbers.length === 1 && subwords.length === 0 };
}
