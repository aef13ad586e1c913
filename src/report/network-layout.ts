/** Places of boxes and ways of arrows: in each column ranks from top to bottom, by dagre. */

import { BOX_GAP, type BoxArrow, type BoxSize, COLUMN_GAP, type Columns, RANK_GAP } from "./network-columns.ts";

/** In pixels. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** The middle of a box, and its size. */
export interface PlacedBox extends Point, BoxSize {}

/** Places from 0, 0. */
export interface NetworkLayout {
  readonly boxes: readonly PlacedBox[];
  /** By arrow: its way, in two parts where it continues in the next column; none of those that are not drawn. */
  readonly ways: readonly (readonly (readonly Point[])[])[];
  readonly width: number;
  readonly height: number;
}

type Dagre = typeof import("@dagrejs/dagre");

/** Lays out boxes of these sizes in their columns. */
export async function layoutNetwork(
  sizes: readonly BoxSize[],
  arrows: readonly BoxArrow[],
  columns: Columns,
): Promise<NetworkLayout> {
  const dagre = await import("@dagrejs/dagre");
  const boxes: PlacedBox[] = [];
  const ways: Point[][][] = arrows.map(() => []);
  let [left, height] = [0, 0];
  for (let column = 0; column < columns.count; column++) {
    const found = layoutColumn(dagre, sizes, arrows, { ...columns, column });
    const moved = <P extends Point>(point: P): P => ({
      ...point,
      x: point.x - found.left + left,
      y: point.y - found.top,
    });
    for (const [at, box] of found.boxes) boxes[at] = moved(box);
    for (const [at, points] of found.ways) ways[at]!.push(points.map(moved));
    left += found.right - found.left + COLUMN_GAP;
    height = Math.max(height, found.bottom - found.top);
  }
  return { boxes, ways, width: Math.max(left - COLUMN_GAP, 1), height: Math.max(height, 1) };
}

/** One column, with the smallest frame around it. */
interface ColumnLayout {
  readonly boxes: ReadonlyMap<number, PlacedBox>;
  readonly ways: ReadonlyMap<number, readonly Point[]>;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

function layoutColumn(
  { graphlib, layout }: Dagre,
  sizes: readonly BoxSize[],
  arrows: readonly BoxArrow[],
  { column, of, ranks, lengths, isDrawn }: Columns & { readonly column: number },
): ColumnLayout {
  const graph = new graphlib.Graph({ multigraph: true });
  graph.setGraph({ rankdir: "TB", nodesep: BOX_GAP, edgesep: 12, ranksep: RANK_GAP });
  const own = sizes.flatMap((_, at) => (of[at] === column ? [at] : []));
  for (const at of own) graph.setNode(`b${at}`, { width: sizes[at]!.width, height: sizes[at]!.height });
  const ends = new Map<number, readonly [string, string]>();
  for (const [at, { from, to }] of arrows.entries()) {
    const [leaves, enters] = [of[from] === column, of[to] === column];
    if (!isDrawn(at) || !(leaves || enters)) continue;
    // A way that comes from another column, or leads to the next, ends at the column's edge, in a box of no size.
    const port = `p${at}`;
    if (!leaves || !enters) graph.setNode(port, { width: 1, height: 1 });
    const [first, last] = [leaves ? `b${from}` : port, enters ? `b${to}` : port];
    const passes = leaves ? lengths[column]! - ranks[from]! : ranks[to]! + 1;
    graph.setEdge(first, last, { minlen: leaves && enters ? 1 : passes }, String(at));
    ends.set(at, [first, last]);
  }
  layout(graph);
  const boxes = new Map(own.map((at) => [at, placeOf(graph.node(`b${at}`), sizes[at]!)]));
  const ways = new Map([...ends].map(([at, [first, last]]) => [at, pointsOf(graph.edge(first, last, String(at)))]));
  return { boxes, ways, ...frameOf([...boxes.values()], [...ways.values()]) };
}

/** dagre writes places into what it was given; its types do not show it. */
const placeOf = (node: unknown, { width, height }: BoxSize): PlacedBox => {
  const { x, y } = node as Point;
  return { x, y, width, height };
};

const pointsOf = (edge: unknown): readonly Point[] =>
  (edge as { points: readonly Point[] }).points.map(({ x, y }) => ({ x, y }));

function frameOf(
  boxes: readonly PlacedBox[],
  ways: readonly (readonly Point[])[],
): Pick<ColumnLayout, "left" | "right" | "top" | "bottom"> {
  let [left, top] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  let [right, bottom] = [-left, -top];
  const add = (x: number, y: number): void => {
    [left, right] = [Math.min(left, x), Math.max(right, x)];
    [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
  };
  for (const { x, y, width, height } of boxes) {
    add(x - width / 2, y - height / 2);
    add(x + width / 2, y + height / 2);
  }
  for (const way of ways) for (const { x, y } of way) add(x, y);
  return left > right ? { left: 0, right: 0, top: 0, bottom: 0 } : { left, right, top, bottom };
}
