/** Permutations at a glance: their sizes, what they move, and a small picture of each. */

import { checkInteger, checkOptions } from "../base/options.ts";
import { type Alignment, alignmentOf, type Permutations } from "../perm/alignment.ts";
import { checkPermutation, countMoved } from "../perm/permutation.ts";
import { textTable } from "../report/text-table.ts";
import { createDisplay, type Display } from "./display.ts";
import { EDGE, firstRows, LINE, picture, textAt } from "./drawing.ts";
import { visibleText } from "./visible-text.ts";

/** Options of `displayPermutations`. */
export interface PermutationsDisplayOptions {
  /** Permutations shown. Default 24. */
  readonly most?: number | undefined;
}

const HEADER = ["permutation", "size", "moved"];
const SIDE = 96;
const STEP = SIDE + 40;
const ACROSS = 5;
/** Cells a side of a picture, at most: more would be smaller than two pixels. */
const CELLS = 48;
/** Shades of a cell that several units fall into. */
const SHADES = 4;

/**
 * Permutations, for a notebook: name, size, how many units move, and a picture. Row i (slot i of the result) is marked
 * at column `p[i]` (its unit): the identity is the diagonal.
 *
 * @throws {RangeError} for an array that is no permutation.
 * @throws {TypeError} for unknown options.
 *
 * @example
 * const { permutations } = await matchWeights(a, b, await detectSpec(a));
 * displayPermutations(permutations); // as the last line of a notebook cell
 */
export function displayPermutations(
  alignment: Alignment | Permutations,
  options: PermutationsDisplayOptions = {},
): Display {
  checkOptions("displayPermutations", options, { most: "number" });
  const { most = 24 } = options;
  checkInteger("most", most, 1);
  const { permutations } = alignmentOf(alignment);
  for (const [name, p] of permutations) checkPermutation(name, p, p.length);
  const { shown, more } = firstRows([...permutations], most);
  const rows = shown.map(([name, p]) => [visibleText(name), String(p.length), String(countMoved(p))]);
  const text = [textTable(HEADER, rows), more].filter((part) => part !== "").join("\n");
  return createDisplay(draw(shown, more), text);
}

function draw(shown: readonly (readonly [string, Int32Array])[], more: string): string {
  const children = shown.map(([name, p], at) => {
    const [x, y] = [EDGE + STEP * (at % ACROSS), EDGE + (STEP + 16) * Math.floor(at / ACROSS)];
    return [
      `<g transform="translate(${x},${y})">`,
      textAt(0, 12, "label", visibleText(name, 14)),
      `<g transform="translate(0,20)">${pictureOf(p)}</g>`,
      textAt(0, 20 + SIDE + LINE - 3, "caption", `${countMoved(p)} of ${p.length} moved`),
      "</g>",
    ].join("");
  });
  const lines = Math.ceil(shown.length / ACROSS);
  let height = EDGE + (STEP + 16) * Math.max(lines, 0);
  if (more !== "" || shown.length === 0) {
    children.push(textAt(EDGE, height + 12, "caption", more || "no permutations"));
    height += 2 * LINE;
  }
  const label = shown.map(([name, p]) => `${visibleText(name)}: ${countMoved(p)} of ${p.length} moved`).join("; ");
  const width = 2 * EDGE + STEP * Math.min(Math.max(shown.length, 2), ACROSS);
  return picture(width, height, `permutations ${label || "none"}`, children);
}

/** Marks at (p[i], i), binned: the more of a cell's units, the darker. */
function pictureOf(p: Int32Array): string {
  const cells = Math.max(1, Math.min(p.length, CELLS));
  const bins = new Uint32Array(cells * cells);
  p.forEach((j, i) => {
    bins[Math.floor((i * cells) / p.length) * cells + Math.floor((j * cells) / p.length)]! += 1;
  });
  const fullest = bins.reduce((most, units) => Math.max(most, units), 1);
  const paths: string[] = Array.from({ length: SHADES }, () => "");
  bins.forEach((units, at) => {
    if (units === 0) return;
    const shade = Math.ceil((SHADES * units) / fullest) - 1;
    paths[shade]! += `M${at % cells} ${Math.floor(at / cells)}h1v1h-1z`;
  });
  const marks = paths.map((path, shade) =>
    path === "" ? "" : `<path d="${path}" opacity="${(shade + 1) / SHADES}"/>`,
  );
  const scale = SIDE / cells;
  return `<g class="units" transform="scale(${Math.round(1e4 * scale) / 1e4})">${marks.join("")}</g><rect class="frame" width="${SIDE}" height="${SIDE}"/>`;
}
