/** npm run experiments: its command line, the counterexample's figures, and whole experiments on tiny data. */

import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { EXPERIMENTS, runCommandLine } from "../../scripts/experiments/command-line.ts";
import { allPermutations } from "../../scripts/experiments/counterexample.ts";
import { biasedHalves } from "../../scripts/experiments/split-data.ts";
import { heavySuite } from "../reference/heavy-suite.ts";
import { madeUpImages } from "../reference/image-sets.ts";

declare const __ROOT__: string;

const test = heavySuite("experiments");
let folder = "";

test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), "rebasin-experiments-"));
  mkdirSync(join(folder, "data"));
  for (const split of ["train", "t10k"]) {
    for (const kind of ["images-1000-idx3", "labels-1000-idx1"]) {
      const name = `${split}-${kind.replace("-1000", "")}-ubyte.gz`;
      copyFileSync(join(__ROOT__, `test/fixtures/t10k-${kind}-ubyte.gz`), join(folder, "data", name));
    }
  }
});
test.after.each(() => rmSync(folder, { recursive: true, force: true }));

interface Said {
  readonly code: number;
  readonly out: string;
  readonly notes: readonly string[];
}

async function run(words: readonly string[], stopAt?: RegExp): Promise<Said> {
  const notes: string[] = [];
  const printed: string[] = [];
  const stop = new AbortController();
  const code = await runCommandLine(words, {
    signal: stop.signal,
    onProgress: () => {},
    print: (text) => printed.push(text),
    note(text) {
      notes.push(text);
      if (stopAt?.test(text)) stop.abort(new DOMException("interrupted", "AbortError"));
    },
  });
  return { code, out: printed.join("\n"), notes };
}

/** The page loads nothing, and the figures are those of the experiment. */
function check(name: string): { figures: Record<string, unknown>; held: boolean; finding: string } {
  const page = readFileSync(join(folder, `${name}.html`), "utf8");
  assert.not.match(page.replaceAll(/xmlns(:\w+)?="[^"]*"/g, ""), /(src|href)="|url\(|@import|https?:/);
  assert.match(page, /What the paper claims:/);
  assert.match(page, /<svg/);
  const json = JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8"));
  assert.is(json.experiment, name);
  assert.is(typeof json.held, "boolean");
  assert.ok(page.includes(json.held ? "It came out so" : "It did not come out so"));
  return json;
}

test("the counterexample: both networks are right, and each of the four permutations leaves a barrier", async () => {
  const all = await allPermutations();
  assert.equal(
    all.map(({ swaps }) => swaps.map(Number).join("")),
    ["00", "10", "01", "11"],
  );
  for (const { name, curve, barrier } of all) {
    assert.equal([curve.points[0]!.loss, curve.points.at(-1)!.loss], [0, 0], name);
    assert.ok(barrier >= 0.25 && barrier < 0.26, `${name}: ${barrier}`);
    // B is A mirrored at the diagonal, and so is the task: the way back is as the way there.
    const errors = curve.points.map(({ loss }) => loss);
    for (const [i, error] of errors.entries())
      assert.ok(Math.abs(error - errors.at(-1 - i)!) < 1e-3, `${name} at ${i}: ${error} and ${errors.at(-1 - i)}`);
  }
});

test("the counterexample's page needs no data", async () => {
  const { code, out } = await run(["counterexample", "--out", folder]);
  assert.is(code, 0, out);
  const { figures, held } = check("counterexample");
  assert.ok(held);
  assert.is((figures.permutations as { error: number[] }[]).length, 4);
});

test("says in one line what is wrong with its arguments", async () => {
  const cases: [words: string[], code: number, message: RegExp][] = [
    [[], 2, /0 experiments named, expected one of interpolation, width/],
    [["nothing"], 2, /experiment nothing, expected one of/],
    [["width", "epochs"], 2, /2 experiments named/],
    [["width"], 2, /width without --data, expected a folder/],
    [["width", "--data", "x", "--seed", "1.5"], 2, /--seed 1\.5, expected an integer from 0/],
    [["width", "--data", "x", "--limit", "3"], 2, /--limit 3, expected an integer from 20/],
    [["width", "--colour"], 2, /Unknown option '--colour'/],
    [
      ["width", "--data", join(folder, "none"), "--out", folder],
      1,
      /none: no such folder, expected a folder of images/,
    ],
  ];
  for (const [words, code, message] of cases) {
    const said = await run(words);
    assert.is(said.code, code, said.notes.join("\n"));
    assert.match(said.notes[0]!, message);
    assert.not.match(said.notes[0]!, /\n/);
  }
  const help = await run(["--help"]);
  assert.is(help.code, 0);
  for (const { name, summary } of EXPERIMENTS) assert.ok(help.out.includes(name) && help.out.includes(summary), name);
});

test("split data: every image is in one half, and four fifths of a half's own classes", () => {
  const data = madeUpImages(2000, [2, 2, 1], 10);
  const [a, b] = biasedHalves(data, 3);
  assert.is(a.count + b.count, data.count);
  const own = (labels: Uint8Array, low: boolean): number => labels.filter((label) => label < 5 === low).length;
  for (const share of [own(a.labels, true), own(b.labels, false)]) assert.ok(share > 760 && share < 840, `${share}`);
});

test("an experiment from end to end; stopped and started again, it gives the same figures", async () => {
  const words = ["split-data", "--data", join(folder, "data"), "--quick", "--limit", "100", "--out", folder];
  const whole = await run(words);
  assert.is(whole.code, 0, whole.notes.join("\n"));
  const { figures } = check("split-data");
  assert.is((figures.test as unknown[]).length, 6);
  // Trained models are taken from the folder.
  const again = await run(words);
  assert.is(again.notes.filter((note) => note.includes("epoch")).length, 0);
  assert.equal(check("split-data").figures, figures);
  // From the beginning, but stopped in the middle of the second model.
  rmSync(join(folder, "models"), { recursive: true });
  const stopped = await run(words, /^split B: epoch 3 /);
  assert.is(stopped.code, 130);
  assert.match(stopped.notes.at(-2)!, /interrupted/);
  assert.ok(readdirSync(join(folder, "models")).some((file) => file.endsWith("-started.safetensors")));
  const resumed = await run(words);
  assert.is(resumed.code, 0);
  assert.is(resumed.notes.find((note) => note.includes("epoch"))?.slice(0, 16), "split B: epoch 4");
  assert.equal(check("split-data").figures, figures);
  assert.not.ok(readdirSync(join(folder, "models")).some((file) => file.endsWith("-started.safetensors")));
});

test("others run from end to end", async () => {
  for (const name of ["interpolation", "contour", "repair", "tasks"]) {
    const words = [name, "--data", join(folder, "data"), "--quick", "--limit", "40", "--out", folder];
    const { code, notes } = await run(words);
    assert.is(code, 0, `${name}: ${notes.join("\n")}`);
    check(name);
    assert.ok(existsSync(join(folder, `${name}.json`)));
  }
});

test.run();
