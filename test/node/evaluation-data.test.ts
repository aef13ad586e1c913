/** IDX files, pooling, and the plot of curves. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { sampleCurve } from "../../scripts/lib/curve.ts";
import { chooseTicks, curveSvg } from "../../scripts/lib/curve-svg.ts";
import { averagePool2x2, readImages, readLabelled, readLabels, readTestSet } from "../../scripts/lib/data.ts";

declare const __ROOT__: string;

const test = suite("evaluation data");
const fixture = (name: string): string => join(__ROOT__, "test/fixtures", name);
let folder = "";

test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), "rebasin-idx-"));
});
test.after.each(() => rmSync(folder, { recursive: true, force: true }));

/** An IDX file of bytes with the given sizes in its header. */
function idx(sizes: readonly number[], data: readonly number[], magic: number = 0x800 + sizes.length): Buffer {
  const header = Buffer.alloc(4 + 4 * sizes.length);
  [magic, ...sizes].forEach((value, i) => {
    header.writeUInt32BE(value, 4 * i);
  });
  return Buffer.concat([header, Buffer.from(data)]);
}

function write(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

test("images and labels are read, plain or gzipped, all or the first few", () => {
  const bytes = idx([3, 1, 2], [0, 51, 102, 153, 204, 255]);
  for (const path of [write("plain", bytes), write("packed.gz", gzipSync(bytes))]) {
    const images = readImages(path);
    assert.equal([images.count, images.height, images.width], [3, 1, 2]);
    assert.equal([...images.pixels], [0, 0.2, 0.4, 0.6, 0.8, 1].map(Math.fround));
    assert.equal([...readImages(path, 1).pixels], [0, Math.fround(0.2)]);
  }
  const labels = write("labels", idx([3], [7, 8, 9]));
  assert.equal([...readLabels(labels)], [7, 8, 9]);
  assert.equal([...readLabels(labels, 2)], [7, 8]);
});

test("files that are missing or malformed are refused, naming file, fault and expectation", () => {
  const refuses = (message: RegExp, work: () => unknown): void => {
    assert.throws(work, (error: Error) => error.name === "FormatError" && message.test(error.message));
  };
  refuses(/none not found, expected .* \(get it from https:\/\/github\.com\/zalandoresearch\/fashion-mnist\)$/, () =>
    readImages(join(folder, "none")),
  );
  refuses(/t10k-images-idx3-ubyte\.gz not found/, () => readTestSet(folder));
  const cases: [RegExp, Uint8Array][] = [
    [/ holds 0 bytes, expected an IDX header of 16$/, new Uint8Array(0)],
    [/ magic number 2049, expected 2051 /, idx([2, 1, 1], [1, 2], 2049)],
    [/ holds 5 bytes of data, expected 3×1×2 = 6$/, idx([3, 1, 2], [1, 2, 3, 4, 5])],
    [/ holds 7 bytes of data, expected 3×1×2 = 6$/, idx([3, 1, 2], [1, 2, 3, 4, 5, 6, 7])],
    [/ holds 0 bytes of data, expected 4294967295×/, idx([0xffffffff, 0xffffffff, 0xffffffff], [])],
    [/ does not gunzip /, gzipSync(idx([1, 1, 1], [1])).subarray(0, 20)],
  ];
  for (const [message, bytes] of cases) refuses(message, () => readImages(write("file", bytes)));
  const images = write("images", idx([2, 1, 1], [1, 2]));
  refuses(/ holds 3 labels, expected 2 as /, () => readLabelled(images, write("labels", idx([3], [1, 2, 3]))));
});

test("a folder is read with or without .gz", () => {
  write("t10k-images-idx3-ubyte", idx([1, 1, 1], [255]));
  write("t10k-labels-idx1-ubyte.gz", gzipSync(idx([1], [4])));
  const { images, labels } = readTestSet(folder);
  assert.equal([images.count, images.pixels[0], labels[0]], [1, 1, 4]);
});

test("the embedded slice holds 1,000 images of ten classes", () => {
  const { images, labels } = readLabelled(
    fixture("t10k-images-1000-idx3-ubyte.gz"),
    fixture("t10k-labels-1000-idx1-ubyte.gz"),
  );
  assert.equal([images.count, images.height, images.width, new Set(labels).size], [1000, 28, 28, 10]);
  const bytes = gunzipSync(readFileSync(fixture("t10k-images-1000-idx3-ubyte.gz")));
  assert.is(images.pixels[28 * 28 + 14 * 28 + 14], Math.fround(bytes[16 + 28 * 28 + 14 * 28 + 14]! / 255));
});

test("pooling averages 2×2 squares of every image and refuses odd sides", () => {
  const pixels = Float32Array.from({ length: 2 * 2 * 4 }, (_, i) => i);
  const pooled = averagePool2x2({ count: 2, height: 2, width: 4, pixels });
  assert.equal([pooled.count, pooled.height, pooled.width], [2, 1, 2]);
  assert.equal([...pooled.pixels], [2.5, 4.5, 10.5, 12.5]);
  const odd = { count: 1, height: 2, width: 3, pixels: new Float32Array(6) };
  assert.throws(() => averagePool2x2(odd), /^images are 2×3, expected even sides$/);
});

test("ticks start at 0, reach the highest value and are few and round", () => {
  for (const max of [0, 1e-9, 0.007, 0.31, 0.9, 1, 1.39, 2.3, 17, 4096]) {
    const ticks = chooseTicks(max);
    assert.is(ticks[0], 0);
    assert.ok(ticks.at(-1)! >= max && ticks.length >= 2 && ticks.length <= 7, `ticks of ${max}: ${ticks}`);
    assert.ok(max === 0 || ticks.at(-2)! < max, `ticks of ${max}: ${ticks}`);
  }
});

test("a curve has its points in equal steps, and the plot one dot for each that is finite", async () => {
  const asked: number[] = [];
  const naive = await sampleCurve("naive <&>", async (lambda) => {
    asked.push(lambda);
    return { loss: lambda === 0.5 ? Number.NaN : 1 + lambda, accuracy: 1 - lambda };
  });
  assert.equal(
    asked,
    Array.from({ length: 25 }, (_, i) => i / 24),
  );
  const svg = curveSvg([naive], { title: "a < b", subtitle: 'c & "d"' });
  assert.is(svg.match(/<circle class="dot"[^>]*><title>/g)?.length, 24 + 25);
  assert.ok(!svg.includes("NaN") && !svg.includes("Infinity"));
  assert.ok(svg.includes("naive &lt;&amp;&gt;") && svg.includes("a &lt; b") && svg.includes("c &amp; "));
  assert.ok(!/(?:href|src|url)\s*[=(]|<script|@import/.test(svg), "the plot refers to something outside itself");
});

test.run();
