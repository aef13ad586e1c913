/**
 * What single words of a module's path say: numbers and lists of words. Plain comparisons, no patterns: engines compile a
 * pattern when it is first used.
 */

/** Words that are equal to, start with, end with or hold one of these, all in lower case. */
export interface Words {
  readonly whole: ReadonlySet<string>;
  readonly starts: readonly string[];
  readonly ends: readonly string[];
  readonly parts: readonly string[];
}

/** True when `words` have `word`. */
export function haveWord({ whole, starts, ends, parts }: Words, word: string): boolean {
  return (
    whole.has(word) ||
    starts.some((start) => word.startsWith(start)) ||
    ends.some((end) => word.endsWith(end)) ||
    parts.some((part) => word.includes(part))
  );
}

/** True when the character at `at` is a digit; false outside of `text`. */
export function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 48 && code <= 57;
}

/** A word in lower case without the number at its end and what ties it on: `conv_1` and `Conv2` are `conv`. */
export function unnumbered(word: string): string {
  let end = word.length;
  while (isDigit(word, end - 1)) end--;
  const tied = end < word.length && (word[end - 1] === "_" || word[end - 1] === "-");
  return word.slice(0, tied ? end - 1 : end).toLowerCase();
}

/** A path without the digits that are part of a word and no number: `conv2d` and `BatchNorm1d` become `conv` and `BatchNorm`. */
export function withoutDimensions(path: string): string {
  let kept = "";
  let from = 0;
  for (let at = 0; at < path.length; at++) {
    if (!isDigit(path, at) || !isDimension(path, at)) continue;
    kept += path.slice(from, at);
    from = at + 2;
  }
  return kept + path.slice(from);
}

/** True when the digit at `at` says in how many dimensions a module works. */
function isDimension(path: string, at: number): boolean {
  const around = path.slice(Math.max(0, at - 4), at + 2).toLowerCase();
  return ["conv", "norm", "bn"].some((kind) => ["1d", "2d", "3d"].some((number) => around.endsWith(kind + number)));
}

/** The numbers in a path, in order: `layer1.0.conv2` has 1, 0, 2, and `conv2d` none. */
export function pathNumbers(path: string): number[] {
  const text = withoutDimensions(path);
  const numbers: number[] = [];
  for (let at = 0; at < text.length; at++) {
    if (!isDigit(text, at)) continue;
    const start = at;
    while (isDigit(text, at + 1)) at++;
    numbers.push(Number(text.slice(start, at + 1)));
  }
  return numbers;
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

/** Takes a word apart. */
export function partOf(text: string): PathWord {
  const plain = withoutDimensions(text);
  const subwords: string[] = [];
  const stem: string[] = [];
  let from = -1;
  const end = (at: number): void => {
    if (from >= 0) subwords.push(plain.slice(from, at).toLowerCase());
    from = -1;
  };
  for (let at = 0; at < plain.length; at++) {
    if (isDigit(plain, at)) {
      end(at);
      if (stem.at(-1) !== "#") stem.push("#");
    } else if ("_-~ ".includes(plain[at]!)) {
      end(at);
    } else {
      if (from >= 0 && startsWord(plain, at)) end(at);
      if (from < 0) {
        from = at;
        stem.push("");
      }
      stem[stem.length - 1] += plain[at]!.toLowerCase();
    }
  }
  end(plain.length);
  const numbers = pathNumbers(text);
  if (numbers.length > 0 && stem.at(-1) === "#") stem.pop();
  return { text, stem: stem.join("-"), subwords, numbers, isIndex: numbers.length === 1 && subwords.length === 0 };
}

/** True where a capital starts a word: `convIn`, `BNLayer`. */
function startsWord(text: string, at: number): boolean {
  const isCapital = (k: number): boolean => text[k] !== undefined && text[k] !== text[k]!.toLowerCase();
  return (
    isCapital(at) && (!isCapital(at - 1) || (at + 1 < text.length && !isCapital(at + 1) && !isDigit(text, at + 1)))
  );
}
