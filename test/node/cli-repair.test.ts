/** `--repair` of `merge` and `curve`, as a user meets it: dist/cli.js in a process of its own. */

import { copyFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { readDataFolder } from "../../src/node/data-folder.ts";
import { openModelFile } from "../../src/node/open-model.ts";
import { applyTaskAffine } from "../../src/repair/apply-task-affine.ts";
import { taskAffine } from "../../src/repair/task-affine.ts";
import { A, B, commandLine } from "../reference/command-line.ts";
import { sameBytes } from "../reference/expect-error.ts";
import { heavySuite } from "../reference/heavy-suite.ts";

const test = heavySuite("repair on the command line");
const cli = commandLine(test, ["train", "t10k"]);
const { run } = cli;

const merge = (output: string, ...words: string[]) => run("merge", A, B, "-o", output, "--data", "data", ...words);

test("merge --repair writes a plain model and says what was done", async () => {
  const { code, stdout, stderr } = await merge(
    "m.safetensors",
    "--repair",
    "repair",
    "--repair-images",
    "200",
    "--json",
  );
  assert.is(code, 0, stderr);
  const { repair } = JSON.parse(stdout);
  assert.equal([repair.kind, repair.images, repair.unshifted, repair.addedBiases], ["repair", 200, [], []]);
  assert.is(repair.places.length, 2);
  // Averages vary less than what they are averages of.
  for (const { scale } of repair.places) assert.ok(scale[1] > 1, `${scale}`);
  const text = await merge("n.safetensors", "--repair", "rescale", "--repair-images", "100", "--starts", "2");
  assert.is(text.code, 0, text.stderr);
  assert.match(text.stdout, /^repaired {3}rescale, 2 places, 100 images, scales [\d.]+ to [\d.]+$/m);
  assert.match(text.stdout, /^start 2/m);
  const { stdout: compared } = await run("inspect", "n.safetensors");
  assert.match(compared, /mlp/);
});

test("merge and many --repair least-squares solve operation by operation", async () => {
  const words = ["--repair", "least-squares", "--repair-images", "100"];
  const { code, json } = await cli.runJson("merge", A, B, "-o", "m.safetensors", "--data", "data", ...words);
  assert.is(code, 0, JSON.stringify(json));
  const { kind, images, places, operations, addedBiases } = json.repair;
  assert.equal([kind, images, places, addedBiases], ["least-squares", 100, [], []]);
  assert.equal(
    operations.map(({ value }: { value: string }) => value),
    ["layers.0", "layers.1", "layers.2"],
  );
  for (const { before, after, residual } of operations) assert.ok(after < before && residual < 1e-14);
  const text = await merge("n.safetensors", ...words, "--temperature", "--ridge", "0.1", "--starts", "2");
  assert.is(text.code, 0, text.stderr);
  assert.match(
    text.stdout,
    /^repaired {3}least-squares, 3 operations, 100 images, error of layers\.2 [\d.]+ before, [\d.]+ after\ntempered {3}logits divided by [\d.]+$/m,
  );
  assert.not.match(text.stdout, /^hint/m);
  const many = await run("many", A, B, "-o", "o.safetensors", "--data", "data", ...words);
  assert.is(many.code, 0, many.stderr);
  assert.match(many.stdout, /^repaired {3}least-squares, 3 operations, 100 images/m);
  assert.match((await run("merge", A, B, "-o", "p.safetensors")).stdout, /^hint .*--repair least-squares --data DIR/m);
});

test("parents that only guess on the images are refused, unless that is asked for", async () => {
  // Pixels of another scale: the network is the same, what it is shown is not.
  const words = ["--repair", "least-squares", "--repair-images", "50", "--scale", "1e9"];
  const { code, stderr } = await merge("m.safetensors", ...words);
  assert.is(code, 1);
  assert.match(
    stderr,
    /gets [\d.]+ % of 500 images of data.* right, and guessing [\d.]+ %: expected a network trained/,
  );
  assert.not.ok(existsSync(cli.path("m.safetensors")));
  assert.is((await merge("m.safetensors", ...words, "--force-repair")).code, 0);
});

test("what --repair cannot do is said before anything is written", async () => {
  const refused = async (code: number, message: RegExp, ...words: string[]): Promise<void> => {
    const found = await run("merge", A, B, "-o", "m.safetensors", ...words);
    assert.is(found.code, code, found.stderr);
    assert.match(found.stderr, message);
    assert.not.ok(existsSync(cli.path("m.safetensors")));
  };
  const data = ["--data", "data"];
  await refused(2, /--repair repair has no --data, expected --data DIR/, "--repair", "repair");
  await refused(2, /--add-bias is for --repair .*, expected no --add-bias/, "--add-bias", ...data);
  await refused(
    2,
    /--add-bias is for --repair .*, expected no --add-bias with --repair rescale/,
    "--repair",
    "rescale",
    "--add-bias",
    ...data,
  );
  await refused(
    2,
    /--repair-at is for --repair .*, expected no --repair-at with --repair bn-reset/,
    "--repair",
    "bn-reset",
    "--repair-at",
    "norms",
    ...data,
  );
  const least = ["--repair", "least-squares", ...data];
  await refused(
    2,
    /--repair-at is for --repair .*, expected no --repair-at with --repair least-squares/,
    ...least,
    "--repair-at",
    "norms",
  );
  await refused(2, /--ridge -1, expected a number from 0/, ...least, "--ridge=-1");
  await refused(
    2,
    /--ridge is for --repair least-squares, expected no --ridge with --repair repair/,
    "--repair",
    "repair",
    "--ridge",
    "1",
    ...data,
  );
  await refused(
    2,
    /--temperature is for --repair least-squares, expected no --temperature with --repair rescale/,
    "--repair",
    "rescale",
    "--temperature",
    ...data,
  );
  await refused(2, /--temperature is for --repair least-squares, expected no --temperature$/m, "--temperature");
  await refused(1, /has no BatchNorm, expected one to reset/, "--repair", "bn-reset", ...data);
  await refused(1, /has nothing to repair|has no/, "--repair", "repair", "--repair-at", "norms", ...data);
});

test("curve --repair: a third curve in JSON, CSV, table and report", async () => {
  const words = ["curve", A, B, "--data", "data", "--points", "3", "--limit", "200"];
  const repair = ["--repair", "rescale", "--repair-images", "300", "--csv", "c.csv", "--html", "c.html"];
  const { code, stdout, stderr } = await run(...words, ...repair, "--json");
  assert.is(code, 0, stderr);
  const json = JSON.parse(stdout);
  assert.equal(json.repair, { kind: "rescale", at: "linear", addBias: false, images: 300 });
  const { naive, aligned, repaired, barrier, calibration } = json.test;
  assert.equal(Object.keys(repaired), ["loss", "accuracy", "barrier"]);
  assert.equal([repaired.loss.length, repaired.accuracy.length], [3, 3]);
  assert.equal(barrier, aligned.barrier);
  assert.equal(Object.keys(calibration), ["a", "b", "naive", "aligned", "repaired"]);
  const plain = JSON.parse((await run(...words, "--json")).stdout);
  assert.equal([plain.test.naive, plain.test.aligned], [naive, aligned]);
  assert.equal(Object.keys(plain.test).includes("repaired") || "repair" in plain, false);
  // The midpoint is the one that merge writes, but for the rounding of its file.
  await merge("m.safetensors", "--repair", "rescale", "--repair-images", "300");
  const merged = await run(
    "curve",
    "m.safetensors",
    A,
    ...words.slice(3, 5),
    "--points",
    "2",
    "--limit",
    "200",
    "--json",
  );
  const { loss } = JSON.parse(merged.stdout).test.naive;
  assert.ok(Math.abs(loss[0] - repaired.loss[1]) < 1e-3, `${loss[0]} and ${repaired.loss[1]}`);
  const rows = cli.bytes("c.csv").toString().trimEnd().split("\n");
  assert.match(rows[0]!, /,aligned_accuracy,repaired_loss,repaired_accuracy$/);
  assert.equal(rows[2]!.split(",").slice(-2).map(Number), [repaired.loss[1], repaired.accuracy[1]]);
  const page = cli.bytes("c.html").toString();
  for (const part of ["repaired midpoint", "repaired, λ = 0.500", "repaired by rescale over 300 training images"])
    assert.ok(page.includes(part), part);
  const text = await run(...words, "--repair", "reshift", "--repair-images", "50");
  assert.match(text.stdout, /^mlp, matched by frank-wolfe, repaired by reshift over 50 training images$/m);
  assert.match(text.stdout, /^repaired midpoint +\d\.\d{4} +\d\.\d{4}$/m);
  assert.match(text.stdout, /^repaired +-?\d\.\d{4} +\d\.\d{4}$/m);
});

test("curve --temperature: losses after one temperature; the same with any number of threads", async () => {
  const words = ["curve", A, B, "--data", "data", "--points", "3", "--limit", "200", "--repair-images", "100"];
  const least = ["--repair", "least-squares", "--temperature", "--csv", "c.csv", "--html", "c.html", "--json"];
  const one = await run(...words, ...least, "--threads", "1");
  assert.is(one.code, 0, one.stderr);
  const json = JSON.parse(one.stdout);
  for (const line of ["aligned", "repaired"] as const) {
    const { loss, lossTempered } = json.test[line];
    assert.is(lossTempered.length, 3);
    // A alone is as sure as A.
    assert.ok(Math.abs(lossTempered[0] - loss[0]) < 0.02, `${lossTempered[0]} and ${loss[0]}`);
  }
  assert.not.ok("lossTempered" in json.test.naive);
  const rows = cli.bytes("c.csv").toString().trimEnd().split("\n");
  assert.match(rows[0]!, /,repaired_accuracy,aligned_loss_tempered,repaired_loss_tempered$/);
  assert.is(Number(rows[2]!.split(",").at(-1)), json.test.repaired.lossTempered[1]);
  assert.ok(cli.bytes("c.html").toString().includes("repaired, tempered"));
  const two = await run(...words, ...least, "--threads", "2", "--force");
  const parts = ({ alignment: _, ...rest }: Record<string, unknown>) => rest;
  assert.equal(parts(JSON.parse(two.stdout)), parts(json));
  const plain = await run(...words, "--temperature");
  assert.is(plain.code, 0, plain.stderr);
  assert.match(plain.stdout, /^aligned, tempered +\d\.\d{4} *$/m);
});

test("merge --repair per-task leaves the merge as it is; apply fits it to a task by its side file", async () => {
  mkdirSync(cli.path("other"));
  for (const file of readdirSync(cli.path("data"))) copyFileSync(cli.path(`data/${file}`), cli.path(`other/${file}`));
  const tasks = ["--repair", "per-task", "--data-b", "other", "--repair-images", "200"];
  const { code, stdout, stderr } = await merge(
    "m.safetensors",
    ...tasks,
    "--permutations-out",
    "p.safetensors",
    "--json",
  );
  assert.is(code, 0, stderr);
  const side = { images: 200, places: 2 };
  assert.equal(JSON.parse(stdout).tasks, [
    { task: "data", file: "m.task-a.safetensors", ...side },
    { task: "other", file: "m.task-b.safetensors", ...side },
  ]);
  await merge("plain.safetensors");
  sameBytes(cli.bytes("m.safetensors"), cli.bytes("plain.safetensors"), "the merge");
  await run("apply", B, "p.safetensors", "-o", "b.safetensors");
  const merged = await openModelFile(cli.path("m.safetensors"));
  const data = await readDataFolder(cli.path("data"), { split: "train", limit: 200 });
  for (const [task, name, expert] of [
    ["a", "data", A],
    ["b", "other", cli.path("b.safetensors")],
  ] as const) {
    const model = await openModelFile(expert);
    // As the side file says: what the merge does on a task becomes what its expert does.
    const expected = await taskAffine(merged, model, data, { task: name });
    const written = await openModelFile(cli.path(`m.task-${task}.safetensors`));
    assert.equal([...written.metadata], [...expected.metadata]);
    for (const tensor of expected.tensors.keys())
      sameBytes(await written.read(tensor), await expected.read(tensor), `${task} ${tensor}`);
    const applied = await run("apply", "m.safetensors", `m.task-${task}.safetensors`, "-o", `for-${task}.safetensors`);
    assert.equal([applied.code, applied.stdout], [0, `task       ${name}\nsaved      for-${task}.safetensors\n`]);
    const fitted = await openModelFile(cli.path(`for-${task}.safetensors`));
    const by = await applyTaskAffine(merged, expected);
    for (const tensor of by.tensors.keys()) sameBytes(await fitted.read(tensor), await by.read(tensor), tensor);
    for (const each of [model, written, fitted]) await each.close?.();
  }
  await merged.close?.();
  const again = await merge("m.safetensors", ...tasks, "--force");
  assert.match(again.stdout, /^task b {5}m\.task-b\.safetensors: 2 places, 200 images of other$/m);
});

test("what per-task and apply cannot do is one line", async () => {
  writeFileSync(cli.path("m.task-b.safetensors"), "precious");
  const data = ["--data", "data", "--data-b", "data"];
  const refused = async (code: number, message: RegExp, ...words: string[]): Promise<void> => {
    const found = await run(...words);
    assert.is(found.code, code, found.stderr);
    assert.match(found.stderr, message);
  };
  const per = ["merge", A, B, "-o", "m.safetensors", "--repair", "per-task"];
  await refused(2, /--repair per-task has no --data-b, expected --data-b DIR/, ...per, "--data", "data");
  await refused(2, /--repair per-task has no --data, expected --data DIR/, ...per, "--data-b", "data");
  await refused(2, /--data-b is for --repair per-task/, "merge", A, B, "-o", "m.safetensors", ...data);
  await refused(1, /m\.task-b\.safetensors already exists/, ...per, ...data);
  await refused(
    2,
    /--repair per-task, expected one of least-squares/,
    "curve",
    A,
    B,
    "--repair",
    "per-task",
    ...data.slice(0, 2),
  );
  assert.not.ok(existsSync(cli.path("m.safetensors")));
  await merge("n.safetensors", "--repair", "per-task", "--data-b", "data", "--repair-images", "20");
  const inverse = ["apply", "n.safetensors", "n.task-a.safetensors", "-o", "x", "--inverse"];
  await refused(2, /--inverse is for permutations, expected no --inverse/, ...inverse);
  await refused(1, /expected a file of permutations/, "apply", A, B, "-o", "x");
});

test.run();
