/**
 * Which tensor of B is which of A, where wrappers have put words before or into the names of one: `module.`,
 * `_orig_mod.`, …
 */

import { formOf } from "../formats/same-names.ts";

/** The names of one side. Spare ones (counters, buffers) may be outside of the wrapper of the others. */
export interface NamedSide {
  readonly names: Iterable<string>;
  isSpare(name: string): boolean;
}

/** Names of two sides, paired. */
export interface NamePairing {
  /** Name of A → name of B, of all that both have. */
  readonly pairs: ReadonlyMap<string, string>;
  /** In their own files' names. */
  readonly onlyA: readonly string[];
  readonly onlyB: readonly string[];
  /** What A or B would call the tensor that the other calls so. */
  asA(nameOfB: string): string;
  /** What was left out of the names of each: "module.". */
  readonly removed: readonly [a: string, b: string];
  /** True where names differ in form, as `a/b` and `a.b`. */
  readonly otherForm: boolean;
}

/** Names of the wrappers of training frameworks, and of networks in checkpoints. */
const WRAPPERS: ReadonlySet<string> = new Set([
  ...["module", "model", "net", "network", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"],
  ...["state_dict", "model_state_dict", "params", "params_ema", "model_ema", "ema_model", "ema", "averaged_model"],
]);
/** These occur inside of names, too, and no network's own parts have such names. */
const INSIDE: ReadonlySet<string> = new Set([
  ...["module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"],
]);

/** How names of both sides are turned into common ones. */
interface Reading {
  readonly removed: readonly [a: string, b: string];
  readonly a: (name: string) => string;
  readonly b: (name: string) => string;
  /** What A would call a name of one side alone: with what wraps its own. */
  readonly intoA?: ((common: string) => string) | undefined;
}

/**
 * Pairs the names of two sides. As they are where that fits; else without the words that wrap all names of one, before
 * them or in the middle; else without wrappers' words in any place. Where no reading pairs all, that which pairs most
 * counts. `a/b` and `['a']['b']` are `a.b`.
 */
export function pairNames(a: NamedSide, b: NamedSide): NamePairing {
  const [ofA, ofB] = [byForm(a.names), byForm(b.names)];
  const real = ({ isSpare }: NamedSide, names: ReadonlyMap<string, string>): string[] =>
    [...names].flatMap(([form, name]) => (isSpare(name) ? [] : [form]));
  const [realA, realB] = [real(a, ofA), real(b, ofB)];
  let best: Reading = AS_THEY_ARE;
  let most = -1;
  for (const reading of readings(realA, realB)) {
    const count = countPairs(reading, realA, realB);
    if (count > most) [best, most] = [reading, count];
    if (count === realA.length && count === realB.length) break;
  }
  return pairBy(best, ofA, ofB);
}

/** Names by their form; by themselves where two have the same. */
function byForm(names: Iterable<string>): Map<string, string> {
  const list = [...names];
  const forms = new Map(list.map((name) => [formOf(name), name]));
  return forms.size === list.length ? forms : new Map(list.map((name) => [name, name]));
}

const same = (name: string): string => name;
const AS_THEY_ARE: Reading = { removed: ["", ""], a: same, b: same };

function* readings(a: readonly string[], b: readonly string[]): Generator<Reading> {
  yield AS_THEY_ARE;
  const [sharedA, sharedB] = [sharedWords(a), sharedWords(b)];
  for (const { text, without } of cuts(sharedB, sharedA)) yield { removed: ["", text], a: same, b: without };
  for (const { text, without, within } of cuts(sharedA, sharedB))
    yield { removed: [text, ""], a: without, b: same, intoA: within };
  const [wrapA, wrapB] = [wrapping(sharedA), wrapping(sharedB)];
  if (wrapA !== "" && wrapB !== "")
    yield {
      removed: [wrapA, wrapB],
      a: (name) => withoutStart(name, wrapA),
      b: (name) => withoutStart(name, wrapB),
      intoA: (name) => wrapA + name,
    };
  const [insideA, insideB] = [wordsInside(a), wordsInside(b)];
  if (insideA !== "" || insideB !== "") yield { removed: [insideA, insideB], a: withoutInside, b: withoutInside };
}

/** Words with the mark that ends them: "module.", "layers.", "0.", "weight". */
const wordsOf = (name: string): string[] => name.match(/[^.]+\.?|\./g) ?? [];

const bare = (word: string): string => word.replace(/\.$/, "");

/** The words that all names begin with; never a whole name. */
function sharedWords(names: readonly string[]): string[] {
  let shared = wordsOf(names[0] ?? "").slice(0, -1);
  for (const name of names) {
    const words = wordsOf(name);
    const end = shared.findIndex((word, at) => at >= words.length - 1 || words[at] !== word);
    if (end >= 0) shared = shared.slice(0, end);
  }
  return shared;
}

/** Nested deeper than this nobody wraps: each cut takes a walk over all names. */
const DEEPEST = 12;

/**
 * Runs of words that all names of one side share, to leave out where the other side has them not: behind a common
 * start.
 */
function* cuts(
  words: readonly string[],
  other: readonly string[],
): Generator<{ text: string; without: Reading["a"]; within: Reading["a"] }> {
  const last = Math.min(words.length, DEEPEST);
  for (let start = 0; start < last; start++) {
    const head = words.slice(0, start).join("");
    for (let end = start + 1; end <= last; end++) {
      const text = words.slice(start, end).join("");
      yield {
        text,
        without: (name) => (name.startsWith(head + text) ? head + name.slice(head.length + text.length) : name),
        within: (name) => (name.startsWith(head) ? head + text + name.slice(head.length) : name),
      };
    }
    if (words[start] !== other[start]) return;
  }
}

/** The words at the start that are wrappers'. */
function wrapping(words: readonly string[]): string {
  const end = words.findIndex((word) => !WRAPPERS.has(bare(word)));
  return words.slice(0, end < 0 ? words.length : end).join("");
}

const withoutStart = (name: string, start: string): string =>
  name.startsWith(start) ? name.slice(start.length) : name;

const withoutInside = (name: string): string =>
  wordsOf(name)
    .filter((word, at, all) => at === all.length - 1 || !INSIDE.has(bare(word)))
    .join("");

/** The wrappers' words inside of any of the names, for people. */
function wordsInside(names: readonly string[]): string {
  const found = new Set(names.flatMap((name) => wordsOf(name).slice(0, -1)).filter((word) => INSIDE.has(bare(word))));
  return [...found].join("");
}

/** How many names are paired; −1 where two of one side become one. */
function countPairs({ a, b }: Reading, ofA: readonly string[], ofB: readonly string[]): number {
  const read = new Set(ofA.map(a));
  const readB = new Set(ofB.map(b));
  if (read.size !== ofA.length || readB.size !== ofB.length) return -1;
  return [...readB].filter((name) => read.has(name)).length;
}

/** Both by their forms. */
function pairBy(
  { removed, a, b, intoA = same }: Reading,
  ofA: ReadonlyMap<string, string>,
  ofB: ReadonlyMap<string, string>,
): NamePairing {
  const nameOfA = new Map([...ofA].map(([form, name]) => [a(form), name]));
  const pairs = new Map<string, string>();
  const nameOfB = new Map([...ofB].map(([form, name]) => [b(form), name]));
  for (const [common, name] of nameOfA) {
    const found = nameOfB.get(common);
    if (found !== undefined) pairs.set(name, found);
  }
  const taken = new Set(pairs.values());
  const [formsOfA, formsOfB] = [new Set(ofA.keys()), new Map([...ofB].map(([form, name]) => [name, form]))];
  return {
    pairs,
    onlyA: [...ofA.values()].filter((name) => !pairs.has(name)),
    onlyB: [...ofB.values()].filter((name) => !taken.has(name)),
    asA(name) {
      const form = formsOfB.get(name) ?? name;
      const common = b(form);
      const known = nameOfA.get(common);
      if (known !== undefined) return known;
      // A counter of the whole, of one word, lies outside of what wraps the network.
      const called = wordsOf(common).length > 1 ? intoA(common) : common;
      return formsOfA.has(called) || form !== name ? name : called;
    },
    removed,
    otherForm: [...pairs].some(([nameA, nameB]) => (formOf(nameA) === nameA) !== (formOf(nameB) === nameB)),
  };
}

/** Prefixes that are tried: each takes a walk over all names. */
const MOST_PREFIXES = 32;

/** Words before all of A's names, under which B has them, where B has others too: `net.`, `ema.`. */
export function prefixesInside(a: Iterable<string>, b: Iterable<string>): string[] {
  const [ofA, ofB] = [[...a], new Set(b)];
  const [first] = ofA;
  if (first === undefined) return [];
  const starts = [...ofB].filter(
    (name) => name.endsWith(first) && name !== first && /[./\]]$/.test(name.slice(0, -first.length)),
  );
  return starts
    .slice(0, MOST_PREFIXES)
    .map((name) => name.slice(0, -first.length))
    .filter((prefix) => ofA.every((name) => ofB.has(prefix + name)));
}
