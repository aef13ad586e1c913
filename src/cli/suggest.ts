/** What a mistyped word was to be. */

/** The nearest of `known`, where it is near enough to be meant; else undefined. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const reach = Math.max(1, Math.floor(word.length / 3));
  let best: string | undefined;
  let least = reach + 1;
  for (const each of known) {
    const distance = editDistance(word, each);
    if (distance < least) [best, least] = [each, distance];
  }
  // A beginning of just one of them is meant, too: --perm.
  if (best === undefined && word.length > 2) {
    const begun = known.filter((each) => each.startsWith(word));
    if (begun.length === 1) return begun[0];
  }
  return best;
}

/** Letters to add, drop, replace or swap with their neighbour (optimal string alignment). */
function editDistance(x: string, y: string): number {
  const rows = [Array.from({ length: y.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= x.length; i++) {
    const row = [i];
    for (let j = 1; j <= y.length; j++) {
      const [above, before] = [rows[i - 1]!, x[i - 1] === y[j - 1] ? 0 : 1];
      let cost = Math.min(above[j]! + 1, row[j - 1]! + 1, above[j - 1]! + before);
      if (i > 1 && j > 1 && x[i - 1] === y[j - 2] && x[i - 2] === y[j - 1])
        cost = Math.min(cost, rows[i - 2]![j - 2]! + 1);
      row.push(cost);
    }
    rows.push(row);
  }
  return rows[x.length]![y.length]!;
}
