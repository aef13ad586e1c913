/** `match` and `merge` with `--checkpoint`, ended at any moment and started again: dist/cli.js in processes of their own. */

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRng } from "../../src/base/rng.ts";
import { saveSafetensors } from "../../src/node/save-safetensors.ts";
import { A, B, commandLine } from "../reference/command-line.ts";
import { sameBytes } from "../reference/expect-error.ts";
import { mlpNetwork, toModel } from "../reference/networks.ts";

const test = suite("matching and merging resume");
const cli = commandLine(test);
const { run } = cli;

let models = "";
const inModels = (name: string) => () => join(models, `${name}.safetensors`);
/** Few large matrices, whose matching takes a while; and many shards, whose writing does. */
const [LARGE_A, LARGE_B, DEEP_A, DEEP_B] = [inModels("a"), inModels("b"), inModels("c"), inModels("d")];
const LARGE = [200, 500, 500, 500, 500, 10];
const DEEP = [100, ...new Array<number>(30).fill(128), 10];
test.before(async () => {
  models = mkdtempSync(join(tmpdir(), "rebasin-resume-"));
  const made: [string, number[]][] = [
    [LARGE_A(), LARGE],
    [LARGE_B(), LARGE],
    [DEEP_A(), DEEP],
    [DEEP_B(), DEEP],
  ];
  for (const [seed, [file, widths]] of made.entries())
    await saveSafetensors(toModel(mlpNetwork(createRng(seed), widths).tensors), file, {});
});
test.after(() => rmSync(models, { recursive: true, force: true }));

const WAYS: [string, string[]][] = [
  ["frank-wolfe", []],
  ["coordinate", ["--method", "coordinate", "--restarts", "1"]],
];
const files = (): string[] =>
  readdirSync(cli.folder)
    .filter((name) => !/^\.rebasin-[\w-]+\.tmp$/.test(name))
    .sort();

for (const [name, options] of WAYS)
  test(`match by ${name}, killed and resumed, with and without --memory, gives the same bytes`, async () => {
    const words = ["match", LARGE_A(), LARGE_B(), ...options, "--threads", "1", "-o"];
    const whole = await run(...words, "whole.safetensors", "--json");
    assert.is(whole.code, 0, whole.stdout);
    const least = /at least (\d+)/.exec((await run(...words, "no.safetensors", "--memory", "1kB")).stderr)![1]!;
    const memory = ["--memory", least];
    for (const [first, second] of [
      [[], memory],
      [memory, []],
    ] as const) {
      const kept = [...words, "p.safetensors", "--force", "--checkpoint", "kept"];
      rmSync(cli.path("p.safetensors"), { force: true });
      await cli.stopAt("kept", "SIGKILL", ...kept, ...first);
      assert.not.ok(existsSync(cli.path("p.safetensors")), "killed before its end");
      const rest = await run(...kept, ...second, "--json");
      assert.equal([rest.code, rest.stderr], [0, "continues: kept has what was matched\n"]);
      sameBytes(cli.bytes("p.safetensors"), cli.bytes("whole.safetensors"));
      const [found, expected] = [JSON.parse(rest.stdout), JSON.parse(whole.stdout)];
      for (const key of ["objective", "identityObjective", "sweeps", "iterations"])
        assert.is(found[key], expected[key], key);
      assert.not.ok(existsSync(cli.path("kept")), "a finished run removes it");
    }
  });

test("Ctrl-C leaves the checkpoint, with one line; other inputs and options are refused, and so is a damaged file", async () => {
  const words = ["match", LARGE_A(), LARGE_B(), "-o", "p.safetensors", "--checkpoint", "kept"];
  const stopped = await cli.stopAt("kept", "SIGINT", ...words);
  assert.match(
    stopped.stderr,
    /^(what is matched is kept in kept: the same command continues\n)?rebasin: interrupted\n$/,
  );
  assert.equal(files(), ["kept"]);
  const bytes = cli.bytes("kept");
  const cases: [string[], RegExp][] = [
    [
      ["match", LARGE_B(), LARGE_A(), ...words.slice(3)],
      /^rebasin: kept is of another run, which differs in model A, /,
    ],
    [[...words, "--seed", "4"], /^rebasin: kept is of another run, which differs in seed, /],
    [[...words, "--method", "coordinate"], /^rebasin: kept is of another run, which differs in method, /],
  ];
  for (const [other, message] of cases) {
    const { code, stderr } = await run(...other);
    assert.is(code, 1);
    assert.match(stderr.split("\n").at(-2)!, message);
    sameBytes(cli.bytes("kept"), bytes, "it stays");
  }
  const torn = Buffer.from(bytes);
  torn[torn.length - 500]! ^= 1;
  const damaged: [Uint8Array, RegExp][] = [
    [torn, /kept is damaged, expected a whole checkpoint: remove it/],
    [bytes.subarray(0, bytes.length - 9), /kept/],
    [readFileSync(A), /kept is no checkpoint of a matching/],
    [Buffer.from("hello"), /kept/],
  ];
  for (const [content, message] of damaged) {
    writeFileSync(cli.path("kept"), content);
    const { code, stderr } = await run(...words);
    assert.is(code, 1);
    assert.match(stderr, message);
    assert.is(
      stderr
        .trimEnd()
        .split("\n")
        .filter((line) => line.startsWith("rebasin:")).length,
      1,
      stderr,
    );
    assert.not.ok(existsSync(cli.path("p.safetensors")));
  }
});

test("a checkpoint is for weights, has a name of its own, and is in no plan", async () => {
  const words = ["match", A, B, "-o", "p.safetensors", "--checkpoint"];
  const byImages = await run(...words, "kept", "--method", "activations", "--data", ".");
  assert.equal([byImages.code, /--checkpoint is .*for --method/.test(byImages.stderr)], [2, true], byImages.stderr);
  const starts = await run(...words, "kept", "--starts", "2", "--data", ".");
  assert.equal([starts.code, /--checkpoint and --starts exclude each other/.test(starts.stderr)], [2, true]);
  assert.match(
    (await run(...words, "p.safetensors")).stderr,
    /p\.safetensors is the same file as input p\.safetensors/,
  );
  assert.match((await run(...words, "-")).stderr, /--checkpoint -, expected a file name/);
  const { stdout } = await run(...words, "kept", "--json");
  assert.not.match(stdout, /kept|checkpoint/);
});

const SHARDS = ["--shard-size", "70kB", "--checkpoint", "kept"];
const tree = (folder: string): string[] => readdirSync(cli.path(folder)).sort();

test("merge into shards, killed after one of them, takes it from the .partial folder: the same bytes", async () => {
  const words = ["merge", DEEP_A(), DEEP_B(), ...SHARDS, "-o"];
  assert.is((await run(...words, "whole/")).code, 0);
  assert.ok(tree("whole").length > 30, tree("whole").join());
  const first = tree("whole").find((name) => name.startsWith("model-00001"))!;
  for (const signal of ["SIGKILL", "SIGINT"] as const) {
    rmSync(cli.path("m"), { recursive: true, force: true });
    await cli.stopAt(`m.partial/${first}`, signal, ...words, "m/");
    assert.equal(files(), ["kept", "m.partial", "whole"]);
    // What is under a shard's name is whole.
    for (const name of tree("m.partial").filter((file) => file.startsWith("model-0")))
      sameBytes(cli.bytes(`m.partial/${name}`), cli.bytes(`whole/${name}`), name);
    const rest = await run(...words, "m/");
    assert.equal([rest.code, rest.stderr], [0, "continues: kept has what was matched\n"]);
    assert.equal(tree("m"), tree("whole"));
    for (const name of tree("m").filter((file) => file !== "README.md"))
      sameBytes(cli.bytes(`m/${name}`), cli.bytes(`whole/${name}`), name);
    assert.equal(files(), ["m", "whole"]);
  }
});

test("shards of another run are refused, damaged ones are written again", async () => {
  await run("match", DEEP_A(), DEEP_B(), "-o", "p.safetensors");
  const words = ["merge", DEEP_A(), DEEP_B(), ...SHARDS, "--permutations", "p.safetensors", "-o"];
  assert.is((await run(...words, "whole/")).code, 0);
  const first = tree("whole").find((name) => name.startsWith("model-00001"))!;
  await cli.stopAt(`m.partial/${first}`, "SIGKILL", ...words, "m/");
  const other = await run(...words, "m/", "--lambda", "0.3");
  assert.is(other.code, 1);
  assert.match(other.stderr, /m\.partial is of another run, which differs in the plan, expected the same/);
  const shard = cli.bytes(`m.partial/${first}`);
  shard[shard.length - 1]! ^= 1;
  writeFileSync(cli.path(`m.partial/${first}`), shard);
  assert.is((await run(...words, "m/")).code, 0);
  for (const name of tree("m").filter((file) => file !== "README.md"))
    sameBytes(cli.bytes(`m/${name}`), cli.bytes(`whole/${name}`), name);
  writeFileSync(cli.path("n.partial"), "");
  assert.match((await run(...words, "n/")).stderr, /n\.partial is no folder/);
});

test.run();
