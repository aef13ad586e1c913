/** The legend of a network chart: each group by its colour and dash, with name, role and size. */

import type { DrawnGroup } from "../base/network-drawing.ts";
import { textMarkup } from "./markup.ts";
import { CHARACTER, short } from "./network-boxes.ts";

const ROW = 18;
/** Width of a line in front of an entry, with the space around it. */
const KEY = 44;

/** Entries in columns from 0, 0, as wide as there is room, and the height of all. */
export function legendMarkup(groups: readonly DrawnGroup[], width: number): { markup: string; height: number } {
  const entries = [
    ...groups.map((group, at) => ({ line: `g${at}`, name: `t${at}`, label: group.name, text: groupText(group) })),
    { line: "none", name: "name", label: "grey", text: "no permutation numbers the value: its units keep their order" },
  ];
  const widest = Math.max(...entries.slice(0, -1).map(({ label, text }) => label.length + 1 + text.length), 20);
  const wide = KEY + Math.ceil(widest * CHARACTER) + 12;
  const columns = Math.max(1, Math.floor(width / wide));
  const rows = Math.ceil(groups.length / columns);
  const markup = entries.map(({ line, name, label, text }, at) => {
    const isLast = at === groups.length;
    const [x, y] = isLast ? [0, rows * ROW + 12] : [Math.floor(at / rows) * wide, (at % rows) * ROW + 12];
    return `<g transform="translate(${x},${y})"><path class="way ${line}" d="M0 -4H32"/><text x="${KEY}"><tspan class="${name}">${textMarkup(label)}</tspan> ${textMarkup(text)}</text></g>`;
  });
  return { markup: markup.join("\n"), height: (rows + 1) * ROW + 6 };
}

function groupText({ size, role, inside, tensors }: DrawnGroup): string {
  const parts = [
    ...(role === undefined ? [] : [short(role, 24)]),
    `${size} units`,
    ...(tensors === 0 ? [] : [tensors === 1 ? "1 tensor" : `${tensors} tensors`]),
    ...(inside === undefined ? [] : [`inside ${inside}`]),
  ];
  return parts.join(", ");
}
