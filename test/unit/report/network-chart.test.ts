/** Charts of networks: well-formed whatever the text in them, everything in its place, and colours that can be told. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { NetworkDrawing } from "../../../src/base/network-drawing.ts";
import { createRng } from "../../../src/base/rng.ts";
import { sha256Hex } from "../../../src/base/sha256.ts";
import { groupColours, groupDash } from "../../../src/report/group-colours.ts";
import { networkChart } from "../../../src/report/network-chart.ts";
import { cutColumns } from "../../../src/report/network-columns.ts";
import { layoutNetwork } from "../../../src/report/network-layout.ts";
import { rejects } from "../../reference/expect-error.ts";
import { NASTY, RAW } from "../../reference/hostile-text.ts";
import { allOf, parseXml, type XmlElement } from "../../reference/xml.ts";

const test = suite("network chart");

/** A network of `count` boxes, each of which reads those that `reads` names. */
function drawingOf(count: number, reads: (at: number) => readonly number[], name = "c"): NetworkDrawing {
  return {
    groups: [
      { name: "P0", size: 30, role: "residual", tensors: 4 },
      { name: "P1", size: 12, inside: "P0", tensors: 0 },
    ],
    boxes: Array.from({ length: count }, (_, at) => ({
      kinds: ["Conv", "Relu"],
      names: [`${name}${at}`, `${name}${at} relu`],
      tensors: [{ name: `${name}${at}.weight`, axes: "[P0, P1*3, 3]" }],
      groups: at % 3 === 0 ? [] : [at % 2],
    })),
    arrows: Array.from({ length: count }, (_, to) =>
      reads(to).map((from) => ({ from, to, value: `${name} ${from}`, groups: from % 3 === 0 ? [] : [from % 2, 0] })),
    ).flat(),
    hidden: 7,
  };
}

const chain = (at: number): number[] => (at === 0 ? [] : [at - 1]);
const randomReads = (seed: number): ((at: number) => number[]) => {
  const rng = createRng(seed);
  return (at) => (at === 0 ? [] : [...new Set([at - 1 - rng.below(Math.min(at, 5)), rng.below(at)])]);
};
const texts = (root: XmlElement): string[] =>
  [...allOf(root)].filter(({ name }) => name === "text" || name === "tspan").map(({ text }) => text);

test("names of every kind give XML that shows them and acts on nothing", async () => {
  for (const name of [...NASTY, `<script>"&'`, "\uffff\ud800x", "名".repeat(200)]) {
    const drawing = drawingOf(4, chain, name);
    const groups = drawing.groups.map((group) => ({ ...group, role: name, inside: name }));
    const boxes = [
      { kinds: ["input"], names: [name], tensors: [], groups: [] },
      ...drawing.boxes.slice(1).map((box) => ({ ...box, kinds: [name, name] })),
    ];
    const svg = await networkChart({ ...drawing, groups, boxes }, { title: name, subtitle: name });
    assert.is(parseXml(svg).name, "svg");
    assert.not.match(svg.replaceAll("\n", ""), RAW);
    assert.not.match(svg, "<script");
  }
});

test("boxes do not meet, lines lead from box to box, and all is in the frame", async () => {
  for (const [count, reads] of [
    [1, chain],
    [40, chain],
    [60, randomReads(1)],
    [120, randomReads(2)],
    [40, (at: number) => Array.from({ length: at }, (_, from) => from)],
  ] as const) {
    const rng = createRng(count);
    const sizes = Array.from({ length: count }, () => ({ width: 60 + rng.below(200), height: 30 + rng.below(150) }));
    const { arrows } = drawingOf(count, reads);
    const columns = cutColumns(sizes, arrows);
    const { boxes, ways, width, height } = await layoutNetwork(sizes, arrows, columns);
    const isIn = (x: number, y: number): boolean => x >= -0.01 && y >= -0.01 && x <= width + 0.01 && y <= height + 0.01;
    for (const [at, a] of boxes.entries()) {
      assert.ok(isIn(a.x - a.width / 2, a.y - a.height / 2) && isIn(a.x + a.width / 2, a.y + a.height / 2));
      for (const b of boxes.slice(at + 1)) {
        const apart = Math.max(
          Math.abs(a.x - b.x) - (a.width + b.width) / 2,
          Math.abs(a.y - b.y) - (a.height + b.height) / 2,
        );
        assert.ok(apart >= -0.01, `${count}: boxes meet by ${-apart}`);
      }
    }
    for (const [at, parts] of ways.entries()) {
      assert.is(parts.length > 0, columns.isDrawn(at));
      for (const { x, y } of parts.flat()) assert.ok(isIn(x, y));
      if (parts.length === 0) continue;
      const touches = (box: number, { x, y }: { x: number; y: number }): boolean =>
        Math.abs(x - boxes[box]!.x) <= boxes[box]!.width / 2 + 0.01 &&
        Math.abs(y - boxes[box]!.y) <= boxes[box]!.height / 2 + 0.01;
      assert.ok(touches(arrows[at]!.from, parts[0]![0]!), `arrow ${at} leaves its box`);
      assert.ok(touches(arrows[at]!.to, parts.at(-1)!.at(-1)!), `arrow ${at} reaches its box`);
      for (const part of parts) for (let i = 1; i < part.length; i++) assert.ok(part[i]!.y >= part[i - 1]!.y);
    }
  }
});

test("legend, boxes and numbers say what colours show", async () => {
  const root = parseXml(await networkChart(drawingOf(5, chain), { title: "net", subtitle: "why" }));
  const all = texts(root);
  for (const wanted of ["net", "why", "10 operations, 2 permutations; left out: 7 that compute sizes and constants"])
    assert.ok(all.includes(wanted), wanted);
  assert.ok(all.some((text) => text.includes("residual, 30 units, 4 tensors")));
  assert.ok(all.some((text) => text.includes("12 units, inside P0")));
  assert.is(all.filter((text) => text.startsWith("gives")).length, 3);
  const classes = [...allOf(root)].flatMap(({ attributes }) => attributes.get("class") ?? []);
  assert.ok(classes.includes("way g1 under") && classes.includes("way g0") && classes.includes("way none"));
});

test("what is too far apart for a line is named by number", async () => {
  const every = (at: number): number[] => Array.from({ length: at }, (_, from) => from);
  const all = texts(parseXml(await networkChart(drawingOf(60, every))));
  assert.ok(all.includes("#0"));
  assert.ok(all.some((text) => text.startsWith("also reads #0")));
  assert.ok(all.some((text) => /^and \d+ more boxes$/.test(text)));
});

test("hundreds of boxes are drawn, in the same bytes everywhere; too many are refused", async () => {
  const svg = await networkChart(drawingOf(400, randomReads(3)));
  assert.is(svg.match(/class="box /g)!.length, 400);
  assert.is(
    sha256Hex(new TextEncoder().encode(svg)),
    "6752d0668459ec10bdcde0ffeeb26a94d59f7e1daa647cf2a18b8f840b9e8c44",
  );
  await rejects(
    () => networkChart(drawingOf(5001, chain)),
    RangeError,
    /^the network has 5001 boxes, expected at most 5000 to draw$/,
  );
});

/** Contrast of two colours as WCAG 2 defines it. */
function contrast(a: string, b: string): number {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (high! + 0.05) / (low! + 0.05);
}

function luminance(colour: string): number {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const share = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
}

test("colours can be read on their paper and in boxes; neighbours have other dashes", () => {
  for (let at = 0; at < 200; at++) {
    const [light, dark] = groupColours(at);
    assert.ok(contrast(light, "#f4f3f0") >= 4.5, `${at} ${light} on light paper: ${contrast(light, "#f4f3f0")}`);
    assert.ok(contrast(dark, "#262624") >= 4.5, `${at} ${dark} on dark paper: ${contrast(dark, "#262624")}`);
    assert.is.not(groupDash(at), groupDash(at + 1));
  }
  const looks = Array.from({ length: 100 }, (_, at) => `${groupColours(at).join()} ${groupDash(at)}`);
  assert.is(new Set(looks).size, 100);
});

test.run();
