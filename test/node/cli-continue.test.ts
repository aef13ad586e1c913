/** `curve` and `contour` that were stopped go on where they stopped: dist/cli.js in a process of its own. */

import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { A, B, commandLine } from "../reference/command-line.ts";
import { sameBytes } from "../reference/expect-error.ts";
import { heavySuite } from "../reference/heavy-suite.ts";

const test = heavySuite("curve and contour go on");
const cli = commandLine(test, ["t10k", "train"]);
const { run } = cli;

const DATA = ["--data", "data"];
/** `11 of 50 points`: the first number. */
const pointsIn = (text: string): number => Number(/(\d+) of \d+ points/.exec(text)?.[1] ?? Number.NaN);

test("a curve that was interrupted ends in the same bytes as one that was not", async () => {
  await run("match", A, B, "-o", "p.safetensors");
  const words = ["curve", A, B, ...DATA, "--permutations", "p.safetensors", "--points", "5"];
  const repaired = [...words, "--repair", "rescale", "--repair-images", "100", "--json"];
  const outputs = (name: string): string[] => ["--csv", `${name}.csv`, "--html", `${name}.html`];
  const whole = await run(...repaired, ...outputs("whole"));
  assert.equal([whole.code, whole.stderr], [0, ""]);
  const stopped = await cli.stopAt("part.csv.checkpoint", "SIGINT", ...repaired, ...outputs("part"));
  assert.is(JSON.parse(stopped.stdout).error.type, "AbortError");
  // Nothing where cleaning up took longer than there is time for: then the points of the last second may be missing.
  assert.match(stopped.stderr, /^(\d+ of 14 points are kept in part\.csv\.checkpoint: the same command continues\n)?$/);
  assert.not.ok(existsSync(cli.path("part.csv")));
  const rest = await run(...repaired, ...outputs("part"));
  assert.is(rest.code, 0, rest.stderr);
  const there = pointsIn(rest.stderr);
  assert.ok(there >= 1 && there <= 14, rest.stderr);
  if (stopped.stderr !== "") assert.is(there, pointsIn(stopped.stderr));
  assert.is(rest.stderr, `continues: ${there} of 14 points are there\n`);
  assert.ok(rest.stdout === whole.stdout, "JSON");
  for (const kind of ["csv", "html"])
    sameBytes(cli.bytes(`part.${kind}`), cli.bytes(`whole.${kind}`), `bytes of ${kind}`);
  assert.equal(
    readdirSync(cli.folder).filter((name) => name.includes("checkpoint")),
    [],
  );
});

test("one that was killed goes on, too, where --checkpoint says; other inputs begin anew, with one line", async () => {
  const words = ["curve", A, B, ...DATA, "--limit", "200", "--json"];
  const kept = [...words, "--checkpoint", "kept", "--points", "21"];
  await cli.stopAt("kept", "SIGKILL", ...kept);
  const bytes = cli.bytes("kept");
  const left = readdirSync(cli.folder).filter((name) => !/^\.rebasin-[\w-]+\.tmp$/.test(name));
  assert.equal(left, ["data", "kept"]);
  const rest = await run(...kept);
  assert.match(rest.stderr, /^continues: [1-9]\d* of 41 points are there\n$/);
  const figures = (stdout: string): unknown => JSON.parse(stdout).test;
  assert.equal(figures(rest.stdout), figures((await run(...words, "--points", "21")).stdout));
  assert.equal(readdirSync(cli.folder).includes("kept"), false);
  const few = ["--points", "3", "--json", "--checkpoint", "kept", ...DATA, "--limit"];
  const cases: [string[], string][] = [
    [["curve", A, B, ...few, "200"], "--points"],
    [["curve", B, A, ...few, "200"], "model A"],
    [["curve", A, B, ...few, "199"], "test images"],
  ];
  for (const [other, what] of cases) {
    writeFileSync(cli.path("kept"), bytes);
    const { code, stdout, stderr } = await run(...other);
    assert.equal([code, stderr], [0, `kept is of another run, which differs in ${what}: starts anew\n`]);
    assert.not.ok(existsSync(cli.path("kept")));
    if (what === "--points") assert.is(JSON.parse(stdout).test.lambda.length, 3);
  }
});

test("a contour goes on; a damaged checkpoint is not used, a file of something else is left alone", async () => {
  await run("match", A, B, "-o", "p.safetensors");
  const words = ["contour", A, B, ...DATA, "--permutations", "p.safetensors", "--points", "8"];
  const outputs = (name: string): string[] => ["--csv", `${name}.csv`];
  const whole = await run(...words, ...outputs("whole"));
  const stopped = await cli.stopAt("part.csv.checkpoint", "SIGINT", ...words, ...outputs("part"));
  assert.match(stopped.stderr, /^(\d+ of 64 points are kept in part\.csv\.checkpoint.*\n)?rebasin: interrupted\n$/);
  const bytes = cli.bytes("part.csv.checkpoint");
  const rest = await run(...words, ...outputs("part"));
  assert.equal([rest.code, /^continues: [1-9]\d* of 64 points are there\n$/.test(rest.stderr)], [0, true], rest.stderr);
  assert.ok(rest.stdout.replaceAll("part.", "whole.") === whole.stdout, "text");
  sameBytes(cli.bytes("part.csv"), cli.bytes("whole.csv"));

  const small = ["contour", A, B, ...DATA, "--points", "2", "--limit", "10", "--checkpoint"];
  bytes[bytes.length - 20]! ^= 1;
  writeFileSync(cli.path("damaged"), bytes);
  const damaged = await run(...small, "damaged");
  assert.equal([damaged.code, damaged.stderr], [0, "damaged is damaged, or of another version: starts anew\n"]);
  assert.not.ok(existsSync(cli.path("damaged")));
  writeFileSync(cli.path("precious"), "precious");
  const { code, stderr } = await run(...small, "precious");
  assert.equal([code, stderr], [0, "precious is no checkpoint of this command: it stays, and nothing is kept\n"]);
  assert.is(readFileSync(cli.path("precious"), "utf8"), "precious");
  for (const output of ["p.safetensors", "o.csv"]) {
    const refused = await run(...small, output, "--permutations", "p.safetensors", "--csv", "o.csv");
    assert.is(refused.code, 1);
    assert.match(refused.stderr, `${output} is the same file as input ${output}, expected another file`);
  }
});

test.run();
