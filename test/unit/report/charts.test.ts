/** Charts: well-formed SVG whatever the text in it, everything that was asked for and nothing from outside. */

import { parseHTML } from "linkedom/worker";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRng } from "../../../src/base/rng.ts";
import { barChart } from "../../../src/report/bar-chart.ts";
import type { ChartOptions } from "../../../src/report/chart.ts";
import { contourChart } from "../../../src/report/contour-chart.ts";
import { curveChart } from "../../../src/report/curve-chart.ts";
import { binMatrix, heatMapChart } from "../../../src/report/heat-map-chart.ts";
import { lineChart } from "../../../src/report/line-chart.ts";
import { encodePng } from "../../../src/report/png.ts";
import { reliabilityChart } from "../../../src/report/reliability-chart.ts";
import { colourAt } from "../../../src/report/style.ts";
import { wholeAxis } from "../../../src/report/whole-axis.ts";
import { rejects } from "../../reference/expect-error.ts";
import { allOf, parseXml, type XmlElement } from "../../reference/xml.ts";

const test = suite("charts");

const NASTY = `a < b & "c" > 'd' \u0000\u001b</text><script>x</script>`;
const SHOWN = `a < b & "c" > 'd' </text><script>x</script>`;
const rng = createRng(1);
const curves = ["naive", NASTY].map((name, k) => ({
  name,
  points: Array.from({ length: 25 }, (_, i) => ({
    lambda: i / 24,
    loss: k === 0 && i === 12 ? Number.NaN : k === 0 && i === 13 ? Number.POSITIVE_INFINITY : 1 + i,
    accuracy: 0.5,
  })),
}));
const matrix = { rows: 300, columns: 200, values: Float32Array.from({ length: 60_000 }, () => rng.uniform()) };
const plane = {
  ...{ rows: 5, columns: 4, x: [0, 3] as const, y: [0, 4] as const },
  values: Array.from({ length: 20 }, (_, i) => (i === 7 ? Number.NaN : i)),
};
const bins = [
  { confidence: 0.25, accuracy: 0.5, count: 3 },
  { confidence: 0, accuracy: 0, count: 0 },
  { confidence: 0.9, accuracy: 0.8, count: 5 },
];
const rows = [
  { name: NASTY, values: [0.5, Number.NaN] },
  { name: "same", values: [0.1, -0.2] },
  { name: "same", values: [0.2, 0.3] },
];

/** Every chart with text that needs escaping. */
const CHARTS: Record<string, (options: ChartOptions) => Promise<string>> = {
  curve: (options) => curveChart(curves, options),
  line: (options) =>
    lineChart({ series: [{ name: "s", points: [{ x: 1, y: 2, note: NASTY }] }], x: { label: NASTY } }, options),
  "line, logarithmic": (options) =>
    lineChart(
      {
        series: [
          {
            name: "s",
            points: [
              { x: 1, y: 2 },
              { x: 8, y: 1 },
            ],
          },
        ],
        x: { type: "log", ticks: [1, 2, 4, 8] },
      },
      options,
    ),
  bars: (options) => barChart({ series: ["one"], rows }, options),
  dots: (options) => barChart({ series: ["one", NASTY], rows, x: { label: NASTY } }, options),
  heat: (options) => heatMapChart(matrix, { ...options, rowLabel: NASTY, columnLabel: NASTY, valueLabel: NASTY }),
  contour: (options) =>
    contourChart(plane, [{ name: NASTY, x: 1, y: 1 }], { ...options, xLabel: NASTY, yLabel: NASTY }),
  reliability: (options) => reliabilityChart([{ name: NASTY, bins }], options),
};

const texts = (root: XmlElement): string[] =>
  [...allOf(root)].filter(({ name }) => name === "text").map(({ text }) => text);
const linkedom = (): Document => parseHTML("<!doctype html><html></html>").document as unknown as Document;

for (const [name, draw] of Object.entries(CHARTS)) {
  test(`${name}: well-formed, self-contained, light and dark, with all text in it escaped`, async () => {
    for (const width of [360, 880]) {
      const svg = await draw({ title: NASTY, subtitle: NASTY, width });
      const root = parseXml(svg);
      assert.is(root.name, "svg");
      assert.is(root.attributes.get("xmlns"), "http://www.w3.org/2000/svg");
      assert.is(root.attributes.get("aria-label"), SHOWN);
      const named = [...allOf(root)].filter(({ attributes }) => attributes.has("aria-label"));
      assert.equal([named.length, root.attributes.get("role")], [1, "img"], "one image, with one name");
      assert.ok(Number(root.attributes.get("width")) <= width);
      const names = new Set([...allOf(root)].map((element) => element.name));
      for (const forbidden of ["script", "foreignObject", "a", "use"]) assert.not.ok(names.has(forbidden), forbidden);
      for (const { attributes } of allOf(root)) {
        for (const [key, value] of attributes) {
          assert.not.match(key, /^on/);
          assert.not.match(value, /NaN|undefined|Infinity|url\(/);
          if (/href|src/.test(key)) assert.match(value, /^data:image\/png;base64,/);
        }
      }
      assert.match(svg, "prefers-color-scheme: dark");
      assert.not.match(svg, /@import|url\(/);
      assert.ok(texts(root).join(" ").replaceAll(/\s+/g, " ").includes(SHOWN.replaceAll(/\s+/g, " ")), "the title");
    }
  });

  test(`${name}: the same text from whatever makes the elements, and twice`, async () => {
    const svg = await draw({ title: "t" });
    assert.ok(svg === (await draw({ title: "t" })), "twice");
    assert.ok(svg === (await draw({ title: "t", document: linkedom() })), "linkedom");
  });
}

test("curves: one symbol for each finite value, with its value to be read; axes from A to B", async () => {
  const root = parseXml(await curveChart(curves, { title: "t" }));
  const notes = [...allOf(root)].filter(({ name }) => name === "title").map(({ text }) => text);
  assert.is(notes.length, 23 + 25 + 25 + 25);
  assert.ok(notes.includes("naive, λ = 0.042: loss 2.0000"));
  for (const label of ["0 · A", "0.5", "1 · B", "loss (nats)", "accuracy", "naive", SHOWN, "λ, share of B"])
    assert.ok(texts(root).includes(label), label);
  const one = parseXml(await curveChart(curves, { panels: ["accuracy"] }));
  assert.ok(!texts(one).includes("loss (nats)") && texts(one).includes("accuracy"));
});

test("panels stand side by side where there is room, and below each other where there is none", async () => {
  const size = async (width: number) => {
    const { attributes } = parseXml(await curveChart(curves, { width }));
    return [Number(attributes.get("width")), Number(attributes.get("height"))] as const;
  };
  const [[wide, low], [narrow, tall]] = [await size(880), await size(360)];
  assert.equal([wide, narrow], [880, 360]);
  assert.ok(tall > 1.5 * low, `${tall} and ${low}`);
  await rejects(() => curveChart(curves, { width: 100 }), RangeError, /^chart width 100, expected at least 240$/);
});

test("a chart of nothing is still a chart", async () => {
  for (const svg of [
    await curveChart([]),
    await curveChart([{ name: "diverged", points: [{ lambda: 0, loss: Number.NaN, accuracy: Number.NaN }] }]),
    await lineChart({ series: [{ name: "s", points: [] }], x: { type: "log" } }),
    await barChart({ series: ["s"], rows: [] }),
    await reliabilityChart([]),
    await heatMapChart({ rows: 1, columns: 1, values: [Number.NaN] }),
    await contourChart({ ...plane, values: new Array(20).fill(3) }, []),
  ])
    assert.not.match(svg, /NaN|Infinity|undefined/);
});

test("logarithmic axes have every tick that was asked for", async () => {
  const root = parseXml(await CHARTS["line, logarithmic"]!({}));
  for (const label of ["1", "2", "4", "8"]) assert.ok(texts(root).includes(label), label);
});

test("axes of counted things have whole ticks alone, from the first value to the last", async () => {
  for (let last = 2; last <= 400; last++) {
    const values = Array.from({ length: last }, (_, i) => i + 1);
    const { domain, ticks = [] } = wholeAxis("step", values);
    assert.equal(domain, [1, last]);
    assert.ok(ticks.length >= 2 && ticks.length <= 8, `${last}: ${ticks}`);
    assert.ok(
      ticks.every((tick, i) => Number.isInteger(tick) && tick >= 1 && tick <= last && !(tick <= ticks[i - 1]!)),
    );
  }
  assert.equal(wholeAxis("epoch", [3]), { label: "epoch", domain: [2.5, 3.5], ticks: [3] });
  // Every tick is drawn with its label, and there is no other.
  const points = [1, 2, 3].map((x) => ({ x, y: x / 8 }));
  const svg = await lineChart({ series: [{ name: "s", points }], x: wholeAxis("epoch", [1, 2, 3]), y: { ticks: [] } });
  assert.equal(texts(parseXml(svg)), ["1", "2", "3", "epoch"]);
});

test("bins hold the greatest of the values they stand for, and each value is in one", () => {
  const { rows: height, columns: width, values } = binMatrix(matrix, 128);
  assert.equal([height, width], [128, 128]);
  const expected = new Float64Array(128 * 128).fill(-1);
  for (let i = 0; i < 300; i++)
    for (let j = 0; j < 200; j++) {
      const at = Math.floor((i * 128) / 300) * 128 + Math.floor((j * 128) / 200);
      expected[at] = Math.max(expected[at]!, matrix.values[i * 200 + j]!);
    }
  assert.is(
    values.findIndex((value, i) => value !== expected[i]),
    -1,
  );
  const small = binMatrix({ rows: 2, columns: 2, values: [1, Number.NaN, 3, 4] });
  assert.equal([...small.values], [1, Number.NaN, 3, 4]);
});

test("matrices and planes with another number of values are refused", async () => {
  await rejects(
    () => heatMapChart({ rows: 2, columns: 2, values: [1] }),
    RangeError,
    /^matrix has 1 values, expected 2×2/,
  );
  await rejects(() => heatMapChart({ rows: 0, columns: 2, values: [] }), RangeError, /^matrix has 0 values/);
  await rejects(() => contourChart({ ...plane, rows: 4 }, []), RangeError, /^plane has 20 values, expected 4×4/);
  await rejects(
    () => contourChart({ ...plane, values: new Array(20).fill(Number.NaN) }, []),
    RangeError,
    /^plane has no finite value/,
  );
});

test("pictures decode to their pixels", async () => {
  const palette = Array.from({ length: 256 }, (_, i) => colourAt(i / 255));
  // More than one stored block of 65,535 bytes.
  const [width, height] = [400, 200];
  const pixels = Uint8Array.from({ length: width * height }, () => rng.below(256));
  const png = encodePng({ width, height, pixels }, palette);
  const view = new DataView(png.buffer);
  const chunks = new Map<string, Uint8Array>();
  for (let at = 8; at < png.length; ) {
    const length = view.getUint32(at);
    chunks.set(String.fromCharCode(...png.subarray(at + 4, at + 8)), png.subarray(at + 8, at + 8 + length));
    at += 12 + length;
  }
  assert.equal([...chunks.keys()], ["IHDR", "PLTE", "IDAT", "IEND"]);
  const zlib = chunks.get("IDAT")! as Uint8Array<ArrayBuffer>;
  const stream = new Blob([zlib]).stream().pipeThrough(new DecompressionStream("deflate"));
  const raw = new Uint8Array(await new Response(stream).arrayBuffer());
  assert.is(raw.length, height * (width + 1));
  const wrong = pixels.findIndex((pixel, i) => raw[Math.floor(i / width) * (width + 1) + 1 + (i % width)] !== pixel);
  assert.is(wrong, -1);
  // The checksum of the empty last chunk is the same in every PNG.
  assert.equal([...png.subarray(-4)], [0xae, 0x42, 0x60, 0x82]);
});

test("the colours of values rise in lightness", () => {
  let before = -1;
  for (let i = 0; i <= 100; i++) {
    const [red, green, blue] = colourAt(i / 100);
    const lightness = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    assert.ok(lightness > before, `at ${i} %`);
    before = lightness;
  }
  assert.equal([colourAt(-1), colourAt(2)], [colourAt(0), colourAt(1)]);
});

test("reliability: grid lines on the ticks; dots as large as their share of the images, rare bins off the line", async () => {
  const bin = (confidence: number, count: number) => ({ confidence, accuracy: confidence, count });
  const svg = await reliabilityChart([{ name: "A", bins: [bin(0.1, 1), bin(0.5, 100), bin(0.9, 400)] }]);
  const places = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map(([, place]) => place!);
  const panel = svg.slice(svg.indexOf('class="panel"'));
  const lines = places(panel, /<line x1="[\d.]+" x2="[\d.]+" y1="([\d.]+)" y2="\1"/g);
  // The labels are 0, 25, 50, 75 and 100 %.
  const [bottom, top] = [Number(lines[0]), Number(lines[4])];
  const quarters = [0, 0.25, 0.5, 0.75, 1].map((share) => String(bottom + share * (top - bottom)));
  assert.is(lines.length, 5, panel.slice(0, 900));
  assert.equal(lines, quarters);
  assert.match(panel, /75 %/);
  const radii = places(panel, /<circle [^>]*r="([\d.]+)"/g)
    .map(Number)
    .sort((x, y) => x - y);
  assert.is(radii.length, 3);
  assert.ok(radii[0]! < radii[1]! && radii[1]! < radii[2]! && radii[2]! <= 12, radii.join());
  const path = /<path d="(M[^"]*)"/.exec(panel.slice(panel.indexOf("c0 line")))![1]!;
  assert.is(path.split("L").length, 2, path);
});

test.run();
