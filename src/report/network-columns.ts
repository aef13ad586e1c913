/** A long network as columns: which boxes each has, and which arrows are drawn. */

/** From one box to a later one, by index. */
export interface BoxArrow {
  readonly from: number;
  readonly to: number;
}

/** In pixels. */
export interface BoxSize {
  readonly width: number;
  readonly height: number;
}

/** How a network is cut. */
export interface Columns {
  /** By box. */
  readonly of: Int32Array;
  readonly count: number;
  /** Ranks of boxes, from 0 in each column. */
  readonly ranks: Int32Array;
  /** Ranks of each column. */
  readonly lengths: readonly number[];
  /** Arrows inside a column, or to the next one, but for the longest. */
  isDrawn(arrow: number): boolean;
}

/** Space between ranks. */
export const RANK_GAP = 34;
/** Space between boxes of a rank. */
export const BOX_GAP = 24;
/** Between columns. */
export const COLUMN_GAP = 60;
/** What a way beside boxes takes, about, and how many are drawn. */
const [PASSING, MOST_BESIDE] = [60, 10];
/** A network of this height is one column. Of longer ones the picture has WIDE times its height as its width. */
const [HIGHEST, WIDE] = [1800, 1.6];
/** What dagre lays out in well under a second: boxes of a column, and ranks that its arrows pass, all together. */
const [MOST_IN_COLUMN, MOST_PASSED] = [200, 600];

/** Cuts boxes of these sizes into columns. Each arrow leads to a later box. */
export function cutColumns(sizes: readonly BoxSize[], arrows: readonly BoxArrow[]): Columns {
  const ranks = new Int32Array(sizes.length);
  for (const { from, to } of arrows.toSorted((a, b) => a.to - b.to)) ranks[to] = Math.max(ranks[to]!, ranks[from]! + 1);
  const order = sizes.map((_, at) => at).sort((a, b) => ranks[a]! - ranks[b]! || a - b);
  const of = new Int32Array(sizes.length);
  const firsts = [0];
  const highest = columnHeight(sizes, arrows, ranks);
  let [top, count, height, rank] = [0, 0, 0, 0];
  for (const at of order) {
    if (ranks[at] !== rank) [top, height, rank] = [top + height + RANK_GAP, 0, ranks[at]!];
    height = Math.max(height, sizes[at]!.height);
    if (count > 0 && (count === MOST_IN_COLUMN || (top + height > highest && rank > firsts.at(-1)!))) {
      firsts.push(rank);
      [top, count, height] = [0, 0, sizes[at]!.height];
    }
    of[at] = firsts.length - 1;
    count++;
  }
  const inColumn = ranks.map((each, at) => each - firsts[of[at]!]!);
  const lengths = firsts.map(() => 1);
  for (const [at, each] of inColumn.entries()) lengths[of[at]!] = Math.max(lengths[of[at]!]!, each + 1);
  const isDrawn = shortArrows({ of, ranks: inColumn, lengths }, arrows);
  return { of, ranks: inColumn, count: firsts.length, lengths, isDrawn };
}

/** The height of columns with which the picture is about WIDE times as wide as it is high. */
function columnHeight(sizes: readonly BoxSize[], arrows: readonly BoxArrow[], ranks: Int32Array): number {
  const count = ranks.reduce((most, rank) => Math.max(most, rank + 1), 1);
  const [widths, heights] = [new Float64Array(count).fill(COLUMN_GAP), new Float64Array(count)];
  for (const [at, { width, height }] of sizes.entries()) {
    const rank = ranks[at]!;
    widths[rank]! += width + BOX_GAP;
    heights[rank] = Math.max(heights[rank]!, height + RANK_GAP);
  }
  // Ways around boxes take room, too; the longest are not drawn.
  const beside = new Float64Array(count + 1);
  for (const { from, to } of arrows) {
    const [first, last] = [ranks[from]! + 1, ranks[to]!];
    if (last - first > MOST_PASSED / 20) continue;
    beside[first]! += PASSING;
    beside[last]! -= PASSING;
  }
  let [height, area, passing] = [0, 0, 0];
  for (let rank = 0; rank < count; rank++) {
    passing += beside[rank]!;
    height += heights[rank]!;
    area += (widths[rank]! + Math.min(passing, MOST_BESIDE * PASSING)) * heights[rank]!;
  }
  if (height <= HIGHEST) return Number.POSITIVE_INFINITY;
  return Math.max(HIGHEST / 2, height / Math.max(1, Math.round(Math.sqrt((WIDE * height * height) / area))));
}

/** Arrows that are drawn: of each column, those that pass the fewest ranks. */
function shortArrows(
  { of, ranks, lengths }: Pick<Columns, "of" | "ranks" | "lengths">,
  arrows: readonly BoxArrow[],
): (arrow: number) => boolean {
  const passed = arrows.map(({ from, to }) =>
    of[from] === of[to] ? ranks[to]! - ranks[from]! - 1 : lengths[of[from]!]! - ranks[from]! - 1 + ranks[to]!,
  );
  const order = passed.map((_, at) => at).sort((a, b) => passed[a]! - passed[b]! || a - b);
  const totals = lengths.map(() => 0);
  const drawn = new Set<number>();
  for (const at of order) {
    const [from, to] = [of[arrows[at]!.from]!, of[arrows[at]!.to]!];
    if (to - from > 1 || totals[from]! + passed[at]! > MOST_PASSED) continue;
    totals[from]! += passed[at]!;
    drawn.add(at);
  }
  return (at) => drawn.has(at);
}
