/** A network as a picture: operations in boxes, arrows in the colours of the permutations that number their values. */

import type { DrawnArrow, DrawnGroup, NetworkDrawing } from "../base/network-drawing.ts";
import { groupColours, groupDash } from "./group-colours.ts";
import { escapeMarkup, textMarkup } from "./markup.ts";
import { type BoxText, boxMarkup, boxText, CHARACTER, round, short } from "./network-boxes.ts";
import { type Columns, cutColumns } from "./network-columns.ts";
import { layoutNetwork, type Point } from "./network-layout.ts";
import { legendMarkup } from "./network-legend.ts";
import { CHART_STYLE } from "./style.ts";

/** What `networkChart` also takes. */
export interface NetworkChartOptions {
  /** Bold line above the picture; its name for screen readers, too. */
  readonly title?: string | undefined;
  readonly subtitle?: string | undefined;
}

const EDGE = 16;
/** More make no picture that anyone reads. */
const MOST_BOXES = 5000;
/** The legend has this width at least. */
const NARROWEST = 460;

/**
 * The text of an SVG file: boxes of operations with their tensors, from top to bottom, and lines for the values between
 * them. Each permutation has a colour, a dash and a name, which the legend lists with role and size. Values of which
 * every axis keeps its order are grey. The last line of a box names what numbers its result. Long networks continue in
 * columns to the right; a number marks both ends of a line that continues. The longest ways are not drawn: their boxes
 * are numbered and named where they are read. The same drawing gives the same text in every runtime.
 *
 * @throws {RangeError} for more than 5,000 boxes.
 *
 * @example
 * const svg = await networkChart(await drawNetwork({ graph: asOperators(graph), file: model, spec }));
 */
export async function networkChart(drawing: NetworkDrawing, options: NetworkChartOptions = {}): Promise<string> {
  const { boxes, arrows, groups } = drawing;
  if (boxes.length > MOST_BOXES)
    throw new RangeError(`the network has ${boxes.length} boxes, expected at most ${MOST_BOXES} to draw`);
  const alone = boxes.map((box) => boxText(box, groups));
  const columns = cutColumns(alone, arrows);
  const texts = withFar(drawing, alone, columns);
  const layout = await layoutNetwork(texts, arrows, columns);
  const heading = headingOf(options, drawing);
  const wide = Math.max(layout.width, NARROWEST, ...heading.map(({ width }) => width));
  const legend = legendMarkup(groups, wide);
  const top = EDGE + heading.length * 22 + 6;
  const numbers = new Map(groups.map(({ name }, at) => [name, at]));
  const left = round(EDGE + (wide - layout.width) / 2);
  return [
    svgStart(options, wide + 2 * EDGE, top + legend.height + 10 + layout.height + EDGE),
    `<style>${escapeMarkup(CHART_STYLE + styleOf(groups))}</style>`,
    '<rect class="paper" width="100%" height="100%"/>',
    ...heading.map(
      ({ name, text }, row) => `<text class="${name}" x="${EDGE}" y="${EDGE + 16 + 22 * row}">${text}</text>`,
    ),
    `<g transform="translate(${EDGE},${top})">${legend.markup}</g>`,
    `<g transform="translate(${left},${round(top + legend.height + 10)})">`,
    ...arrows.map(({ groups: own, value }, at) => wayMarkup(own, layout.ways[at]!, value)),
    ...cutMarks(layout.ways),
    ...boxes.map(({ kinds }, at) => {
      const kind = kinds[0] === "input" || kinds[0] === "output" ? "end" : "operation";
      return boxMarkup(texts[at]!, layout.boxes[at]!, kind, numbers);
    }),
    "</g>",
    "</svg>",
    "",
  ]
    .filter((line, at, all) => line !== "" || at === all.length - 1)
    .join("\n");
}

/** Boxes that are read from afar get numbers, and those that read them name these. */
function withFar(
  { boxes, arrows, groups }: NetworkDrawing,
  alone: readonly BoxText[],
  { isDrawn }: Columns,
): BoxText[] {
  const sources = new Set<number>();
  const far = new Map<number, DrawnArrow[]>();
  for (const [at, arrow] of arrows.entries()) {
    if (isDrawn(at)) continue;
    sources.add(arrow.from);
    far.set(arrow.to, [...(far.get(arrow.to) ?? []), arrow]);
  }
  return boxes.map((box, at) => {
    if (!sources.has(at) && !far.has(at)) return alone[at]!;
    return boxText(box, groups, { number: sources.has(at) ? at : undefined, far: far.get(at) ?? [] });
  });
}

function svgStart({ title = "network" }: NetworkChartOptions, wide: number, high: number): string {
  const [width, height] = [Math.ceil(wide), Math.ceil(high)];
  return `<svg xmlns="http://www.w3.org/2000/svg" class="rebasin-chart" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${textMarkup(title)}">`;
}

/** A line above the picture, escaped, and its width. */
interface HeadingLine {
  readonly name: "title" | "subtitle";
  readonly text: string;
  readonly width: number;
}

function headingOf({ title, subtitle }: NetworkChartOptions, drawing: NetworkDrawing): HeadingLine[] {
  const { boxes, groups, hidden } = drawing;
  const operations = boxes.flatMap(({ kinds }) => kinds.filter((kind) => kind !== "input" && kind !== "output"));
  const left = hidden === 0 ? "" : `; left out: ${hidden} that compute sizes and constants`;
  const counts = `${operations.length} operations, ${groups.length} permutations${left}`;
  const line = (name: HeadingLine["name"], full: string | undefined, character: number): HeadingLine[] => {
    if (full === undefined) return [];
    const text = short(full, 100);
    return [{ name, text: textMarkup(text), width: Math.ceil(text.length * character) }];
  };
  return [
    ...line("title", title, 10.5),
    ...line("subtitle", subtitle, CHARACTER),
    ...line("subtitle", counts, CHARACTER),
  ];
}

/** Colours of groups: `g` of lines, `t` of names. */
function styleOf(groups: readonly DrawnGroup[]): string {
  const rules = (shade: 0 | 1): string =>
    groups
      .map((_, at) => {
        const colour = groupColours(at)[shade];
        return `.rebasin-chart .g${at} { stroke: ${colour} } .rebasin-chart tspan.t${at} { fill: ${colour}; font-weight: 600 }`;
      })
      .join("\n");
  const dashes = groups.flatMap((_, at) => {
    const dash = groupDash(at);
    return dash === "" ? [] : [`.rebasin-chart .g${at} { stroke-dasharray: ${dash} }`];
  });
  return `.rebasin-chart .way { fill: none; stroke-width: 2 } .rebasin-chart .none { stroke: #8a8983; stroke-width: 1.25 }
.rebasin-chart .under { stroke-width: 5; stroke-dasharray: none }
.rebasin-chart .box { fill: #f4f3f0; stroke: #a3a29b } .rebasin-chart .end { fill: none; stroke-dasharray: 4 3 }
.rebasin-chart text.cut { font-size: 10px }
${dashes.join("\n")}
${rules(0)}
@media (prefers-color-scheme: dark) {
.rebasin-chart .box { fill: #262624; stroke: #6b6a64 } .rebasin-chart .end { fill: none }
${rules(1)}
}
`;
}

/** One path for each group: the first the widest, the others upon it. */
function wayMarkup(groups: readonly number[], parts: readonly (readonly Point[])[], value: string): string {
  if (parts.length === 0) return "";
  const path = parts.map(pathOf).join("");
  const classes = groups.length === 0 ? ["none"] : groups.map((at) => `g${at}`);
  const paths = classes.map((name, at) => {
    const under = classes.length > 1 && at === 0 ? " under" : "";
    return `<path class="way ${name}${under}" d="${path}"/>`;
  });
  return `<g><title>${textMarkup(short(value, 200))}</title>${paths.join("")}</g>`;
}

/** A smooth line through points that lead down. */
function pathOf(points: readonly Point[]): string {
  const [first, ...rest] = points;
  let [x, y] = [first!.x, first!.y];
  let path = `M${round(x)} ${round(y)}`;
  for (const next of rest) {
    const middle = round((y + next.y) / 2);
    path +=
      x === next.x
        ? `V${round(next.y)}`
        : `C${round(x)} ${middle} ${round(next.x)} ${middle} ${round(next.x)} ${round(next.y)}`;
    [x, y] = [next.x, next.y];
  }
  return path;
}

/** Numbers at both ends of a line that continues in the next column. */
function cutMarks(ways: readonly (readonly (readonly Point[])[])[]): string[] {
  const marks: string[] = [];
  let number = 0;
  const mark = ({ x, y }: Point, down: number): string =>
    `<text class="cut" x="${round(x + 3)}" y="${round(y + down)}">${number}</text>`;
  for (const parts of ways)
    for (const [at, part] of parts.entries()) {
      if (at === 0) continue;
      number++;
      marks.push(mark(parts[at - 1]!.at(-1)!, -2), mark(part[0]!, 9));
    }
  return marks;
}
