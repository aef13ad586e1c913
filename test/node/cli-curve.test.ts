/** `rebasin curve` and `rebasin contour` as a user meets them: dist/cli.js in a process of its own. */

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { A, B, CLI, commandLine } from "../reference/command-line.ts";
import { heavySuite } from "../reference/heavy-suite.ts";
import { parseXml } from "../reference/xml.ts";

const test = heavySuite("rebasin curve and contour");
const cli = commandLine(test, ["t10k", "train"]);
const { run } = cli;

const read = (name: string): string => readFileSync(cli.path(name), "utf8");
const near = (actual: number, expected: number, tolerance: number): void =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual}, expected ${expected}`);

test("curve: JSON by split, CSV, SVG and a report, with the known figures of the embedded checkpoints", async () => {
  const outputs = ["--csv", "c.csv", "--svg", "c.svg", "--html", "c.html"];
  const { code, stdout } = await run("curve", A, B, "--data", "data", "--points", "5", "--json", ...outputs);
  assert.is(code, 0, stdout);
  const json = JSON.parse(stdout);
  const { lambda, naive, aligned, barrier, images, calibration } = json.test;
  assert.equal([images, ...lambda], [1000, 0, 0.25, 0.5, 0.75, 1]);
  near(naive.loss[0], 0.2961, 5e-5);
  near(naive.loss[4], 0.3089, 5e-5);
  assert.equal([naive.accuracy[0], naive.accuracy[4]], [0.897, 0.906]);
  // π(B) computes what B computes, up to rounding in sums of another order.
  near(aligned.loss[4], naive.loss[4], 1e-5);
  assert.ok(aligned.loss[2] < 0.34 && naive.loss[2] > 0.8, `${aligned.loss[2]} and ${naive.loss[2]}`);
  near(barrier.maxMinusMeanEndpoints, Math.max(...aligned.loss) - (aligned.loss[0] + aligned.loss[4]) / 2, 1e-12);
  assert.equal(barrier, aligned.barrier);
  assert.ok(naive.barrier.maxAboveChord > 0.5);
  assert.equal(Object.keys(calibration), ["a", "b", "naive", "aligned"]);
  assert.is(
    calibration.a.bins.reduce((sum: number, { count }: { count: number }) => sum + count, 0),
    1000,
  );
  assert.equal(Object.keys(json.alignment.permutations), ["P0", "P1"]);
  assert.is(json.alignment.matching.spec, "mlp");
  for (const tensor of json.tensors) assert.ok(tensor.aligned >= tensor.naive - 1e-12, JSON.stringify(tensor));
  const lines = read("c.csv").trimEnd().split("\n");
  assert.is(lines[0], "split,lambda,naive_loss,naive_accuracy,aligned_loss,aligned_accuracy");
  assert.equal(lines[3]!.split(",").slice(1).map(Number), [
    0.5,
    naive.loss[2],
    naive.accuracy[2],
    aligned.loss[2],
    aligned.accuracy[2],
  ]);
  assert.is(parseXml(read("c.svg")).name, "svg");
  const page = read("c.html");
  for (const part of [
    "Loss barriers",
    "Reliability",
    "cosine similarity",
    "units that moved",
    "inner product",
    "Settings",
    A,
  ])
    assert.ok(page.includes(part), part);
  assert.not.match(page.replaceAll("http://www.w3.org/2000/svg", ""), /https?:|<script/);
});

test("curve: both splits, permutations from a file, text for people", async () => {
  await run("match", A, B, "-o", "p.safetensors");
  const words = ["--data", "data", "--points", "3", "--limit", "100", "--permutations", "p.safetensors"];
  const { code, stdout, stderr } = await run("curve", A, B, ...words, "--split", "both", "--svg", "c.svg");
  assert.is(code, 0, stderr);
  assert.match(stdout, /permutations of p\.safetensors/);
  for (const split of ["train", "test"]) assert.match(stdout, `100 ${split} images, 3 points a curve`);
  assert.match(stdout, /naive midpoint +0\.\d{4} +0\.\d{4}/);
  assert.match(stdout, /loss barrier +max − mean of ends +max above chord/);
  assert.match(stdout, /saved +c\.svg\n$/);
  for (const name of ["naive, train", "aligned, test"]) assert.ok(read("c.svg").includes(name), name);
});

test("contour: a grid over the plane with A, B and π(B) on it", async () => {
  const outputs = ["--csv", "c.csv", "--svg", "c.svg", "--html", "c.html"];
  const words = ["--data", "data", "--points", "5", "--limit", "200"];
  const { code, stdout } = await run("contour", A, B, ...words, "--json", ...outputs);
  assert.is(code, 0, stdout);
  const { x, y, loss, accuracy, points, images } = JSON.parse(stdout);
  assert.equal([images, x, y], [200, [-0.5, 0, 0.5, 1, 1.5], [-0.5, 0, 0.5, 1, 1.5]]);
  assert.equal(
    [points.a, points.b],
    [
      { x: 0, y: 0 },
      { x: 1, y: 0 },
    ],
  );
  assert.ok(points.aligned.x < 0.6 && points.aligned.y > 0.3, JSON.stringify(points.aligned));
  const curve = JSON.parse(
    (await run("curve", A, B, ...words.slice(0, 2), "--limit", "200", "--points", "3", "--json")).stdout,
  ).test;
  // Row y = 0 runs from A to B: columns 0, ½ and 1 are the naive curve.
  for (const [i, column] of [1, 2, 3].entries()) {
    near(loss[1][column], curve.naive.loss[i], 2e-3);
    near(accuracy[1][column], curve.naive.accuracy[i], 0.0051);
  }
  assert.is(read("c.csv").trimEnd().split("\n").length, 26);
  for (const name of ["A", "B", "π(B)"]) assert.ok(read("c.svg").includes(`>${name}</text>`), name);
  assert.is(parseXml(read("c.svg")).name, "svg");
  assert.match(read("c.html"), "Accuracy");
  const people = await run("contour", A, B, "--data", "data", "--points", "2", "--limit", "10");
  assert.match(people.stdout, /lowest loss \d/);
});

test("outputs are checked before any work, and are never inputs", async () => {
  writeFileSync(cli.path("c.html"), "precious");
  const cases: [string[], RegExp, number][] = [
    [["--html", "c.html"], /c\.html already exists/, 1],
    [["--svg", "none/c.svg"], /none\/c\.svg cannot be created/, 1],
    [["--svg", "x", "--csv", "x"], /x is named for two outputs/, 2],
    [["--csv", "p", "--permutations", "p", "--force"], /p is the same file as input p/, 1],
  ];
  writeFileSync(cli.path("p"), "");
  for (const command of ["curve", "contour"]) {
    for (const [words, message, exit] of command === "curve" ? cases : cases.slice(0, 1)) {
      // The data set is missing as well, which would be found out later.
      const { code, stderr } = await run(command, A, B, "--data", "nowhere", ...words);
      assert.is(code, exit, stderr);
      assert.match(stderr, message);
    }
  }
  assert.is(read("c.html"), "precious");
});

test("bad options and bad data: one clear line", async () => {
  const cases: [string[], RegExp, number][] = [
    [[], /has no --data, expected --data DIR/, 2],
    [["--data", "data", "--split", "half"], /--split half, expected one of test/, 2],
    [["--data", "data", "--points", "1"], /--points 1, expected an integer from 2/, 2],
    [["--data", "data", "--limit", "0"], /--limit 0, expected an integer from 1/, 2],
    [["--data", "nowhere"], /nowhere: no such folder, .*fashion-mnist/, 1],
    [["--data", "data", "--input-size", "10"], /has images of 28×28, expected sides that 10 divides/, 1],
    [["--data", "data", "--input-size", "14"], /data \(test\) has images of 14×14.*cannot take/, 1],
  ];
  for (const [words, message, exit] of cases) {
    const { code, stdout, stderr } = await run("curve", A, B, ...words);
    assert.is(code, exit, stderr);
    assert.is(stdout, "");
    assert.match(stderr, message);
    assert.ok(stderr.trimEnd().split("\n").length <= 2, stderr);
  }
});

test("Ctrl-C: exit code 130 and no output, but a checkpoint", async () => {
  const words = ["curve", A, B, "--data", "data", "--points", "2000", "--html", "c.html"];
  const { code, stdout } = await cli.stopAt("c.html.checkpoint", "SIGINT", ...words, "--json");
  // Deno, as the parent, tells of exit code 130 as of a death by SIGINT; what was printed shows that it was none.
  assert.ok(code === 130 || code === -1, `${code}`);
  assert.is(JSON.parse(stdout).error.type, "AbortError");
  assert.equal(readdirSync(cli.folder), ["c.html.checkpoint", "data"]);
});

test("the rest of the command line loads neither plots nor TensorFlow.js", () => {
  const loaded = new Set([CLI]);
  for (const file of loaded) {
    const text = readFileSync(file, "utf8");
    assert.not.match(text, /from\s*"@tensorflow|import\s*"@tensorflow/, file);
    for (const [, specifier] of text.matchAll(/\b(?:from|import)\s*"(\.[^"]+)"/g))
      loaded.add(join(file, "..", specifier!));
  }
  const bytes = [...loaded].reduce((sum, file) => sum + readFileSync(file).length, 0);
  // Plot and linkedom are a megabyte.
  assert.ok(loaded.size > 1 && bytes < 500_000, `${bytes} bytes in ${loaded.size} files`);
});

test.run();
