/** Which units may become one: of units that one call made, each stays itself, since an axis has them all. */

/** Which calls of `fresh` made the units that are one, as a number for each set of calls. */
export interface Origins {
  /** The sort of units that a new call makes. */
  next(): number;
  /** The sort of a unit that is one of both; −1 where a call made units of both. */
  merged(first: number, second: number): number;
}

/** Sets of more calls are not made: what would need one is a relation instead. */
const MOST_CALLS = 4096;

export function createOrigins(): Origins {
  const calls: ReadonlySet<number>[] = [];
  const merges = new Map<number, number>();
  return {
    next: () => calls.push(new Set([calls.length])) - 1,
    merged(first, second) {
      const key = Math.min(first, second) * 2 ** 26 + Math.max(first, second);
      const known = merges.get(key);
      if (known !== undefined) return known;
      const [a, b] = [calls[first]!, calls[second]!];
      const meet = first === second || a.size + b.size > MOST_CALLS || [...a].some((call) => b.has(call));
      const sort = meet ? -1 : calls.push(new Set([...a, ...b])) - 1;
      merges.set(key, sort);
      return sort;
    },
  };
}
