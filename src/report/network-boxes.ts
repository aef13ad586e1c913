/** The texts in the boxes of a network chart, and their markup. */

import type { DrawnArrow, DrawnBox, DrawnGroup } from "../base/network-drawing.ts";
import { visible } from "../base/visible.ts";
import { textMarkup } from "./markup.ts";
import type { PlacedBox } from "./network-layout.ts";

const LINE = 16;
const PADDING = 9;
/** Mean width of a character at 12 pixels; layouts do not measure text. */
export const CHARACTER = 6.8;
/** Of bold ones at 13 pixels. */
const BOLD = 8.4;
/** Characters of a line, lines of kinds, and tensors and far sources that are listed. */
const [LONGEST, MOST_KINDS, MOST_LISTED] = [46, 4, 8];
/** Characters of a tooltip. */
const MOST_TOLD = 400;

/** One line: groups' names in `axes` have their colours. */
interface BoxLine {
  readonly name: "label" | "name" | "axes";
  readonly text: string;
  readonly axes?: string | undefined;
}

/** A box as texts. */
export interface BoxText {
  readonly lines: readonly BoxLine[];
  readonly title: string;
  readonly width: number;
  readonly height: number;
}

/** What a box has to do with boxes that no line leads to: its own number, if they read it, and what it reads of them. */
interface Afar {
  readonly number: number | undefined;
  readonly far: readonly DrawnArrow[];
}

/** The text of a box. */
export function boxText(
  box: DrawnBox,
  groups: readonly DrawnGroup[],
  { number, far }: Afar = { number: undefined, far: [] },
): BoxText {
  const { kinds, names, tensors } = box;
  const isEnd = kinds[0] === "input" || kinds[0] === "output";
  const label = isEnd ? `${kinds[0]} ${short(names[0] ?? "", 36)}` : undefined;
  const lines: BoxLine[] = [
    ...(number === undefined ? [] : [{ name: "axes", text: `#${number}` } as const]),
    ...(label === undefined ? kindLines(kinds) : [label]).map((text): BoxLine => ({ name: "label", text })),
    ...listed(tensors, "tensors", ({ name, axes }) => tensorLines(name, axes)),
    ...listed(far, "boxes", (arrow) => [
      { name: "axes", text: `also reads #${arrow.from}`, axes: namesOf(arrow.groups, groups) },
    ]),
  ];
  const gives = namesOf(box.groups, groups);
  if (gives !== undefined) lines.push({ name: "axes", text: "gives", axes: gives });
  const widest = Math.max(
    ...lines.map(({ name, text, axes = "" }) =>
      name === "label" ? length(text) * BOLD : (length(text) + (axes === "" ? 0 : 1 + length(axes))) * CHARACTER,
    ),
  );
  const told = isEnd ? names : names.map((name, at) => `${kinds[at]} ${name}`);
  return {
    lines,
    title: short([...told, ...tensors.map(({ name, axes }) => `${name} ${axes}`)].join("; "), MOST_TOLD),
    width: Math.ceil(widest) + 2 * PADDING,
    height: lines.length * LINE + 2 * PADDING - 4,
  };
}

function namesOf(numbers: readonly number[], groups: readonly DrawnGroup[]): string | undefined {
  return numbers.length === 0 ? undefined : short(numbers.map((at) => groups[at]!.name).join(", "));
}

/** Kinds in lines, the last of which counts those left out. */
function kindLines(kinds: readonly string[]): string[] {
  const lines: string[] = [];
  for (const [at, kind] of kinds.entries()) {
    const text = short(kind.replace(/^rebasin\./, ""), 36);
    const last = lines.at(-1);
    if (last !== undefined && length(last) + length(text) + 3 <= 36) lines[lines.length - 1] = `${last} · ${text}`;
    else if (lines.length < MOST_KINDS) lines.push(text);
    else return [...lines, `and ${kinds.length - at} more`];
  }
  return lines;
}

function listed<T>(all: readonly T[], what: string, linesOf: (each: T) => BoxLine[]): BoxLine[] {
  const shown = all.length > MOST_LISTED ? all.slice(0, MOST_LISTED - 1) : all;
  const lines = shown.flatMap(linesOf);
  if (shown.length < all.length) lines.push({ name: "axes", text: `and ${all.length - shown.length} more ${what}` });
  return lines;
}

/** A name and its axes in one line, or in two. */
function tensorLines(name: string, axes: string): BoxLine[] {
  const [left, right] = [short(name), short(axes)];
  if (length(left) + 1 + length(right) <= LONGEST) return [{ name: "name", text: left, axes: right }];
  return [
    { name: "name", text: left },
    { name: "axes", text: " ", axes: right },
  ];
}

/** Without the middle, where it is too long; counted in characters. */
export function short(text: string, longest: number = LONGEST): string {
  const characters = [...visible(text.length > 4000 ? text.slice(0, 4000) : text)];
  if (characters.length <= longest) return characters.join("");
  const half = Math.floor((longest - 1) / 2);
  return `${characters.slice(0, longest - 1 - half).join("")}…${characters.slice(characters.length - half).join("")}`;
}

const length = (text: string): number => [...text].length;

/** The box at its place. `numbers` are indices of groups by their name. */
export function boxMarkup(
  { lines, title }: BoxText,
  place: PlacedBox,
  kind: string,
  numbers: ReadonlyMap<string, number>,
): string {
  const { x, y, width, height } = place;
  const [left, top] = [round(x - width / 2), round(y - height / 2)];
  const texts = lines.map(({ name, text, axes }, row) => {
    const parts = axes === undefined ? "" : ` ${axesMarkup(axes, numbers)}`;
    const at = top + PADDING + 9 + row * LINE;
    return `<text class="${name}" x="${round(left + PADDING)}" y="${round(at)}">${textMarkup(text)}${parts}</text>`;
  });
  const shape = `<rect class="box ${kind}" x="${left}" y="${top}" width="${width}" height="${height}" rx="5"/>`;
  return `<g><title>${textMarkup(title)}</title>${shape}${texts.join("")}</g>`;
}

/** Names of groups in their colours. */
function axesMarkup(axes: string, numbers: ReadonlyMap<string, number>): string {
  return axes
    .split(/([^[\],|*/()\s]+)/)
    .map((part) => {
      const at = numbers.get(part);
      return at === undefined ? textMarkup(part) : `<tspan class="t${at}">${textMarkup(part)}</tspan>`;
    })
    .join("");
}

/** Hundredths of pixels. */
export const round = (value: number): number => Math.round(100 * value) / 100;
