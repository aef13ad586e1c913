/** The command line as a user meets it: dist/cli.js in a process of its own, in the runtime that runs this suite. */

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRng } from "../../src/base/rng.ts";
import { encodeSafetensors } from "../../src/formats/safetensors/write-safetensors.ts";
import { memoryModel, openModel } from "../../src/index.ts";
import { A, B, commandLine } from "../reference/command-line.ts";
import { sameBytes } from "../reference/expect-error.ts";
import { mlpNetwork, toModel } from "../reference/networks.ts";

const test = suite("command line");
const cli = commandLine(test);
const { run, runJson } = cli;

/** Metadata of a file, and its tensors as a file without any. */
async function contents(name: string): Promise<{ metadata: ReadonlyMap<string, string>; bytes: Uint8Array }> {
  const model = await openModel(new Uint8Array(cli.bytes(name)));
  return { metadata: model.metadata, bytes: await encodeSafetensors({ ...model, metadata: new Map() }) };
}

const same = (x: string, y: string): boolean => cli.bytes(x).equals(cli.bytes(y));

test("help: the main page and one for every command, on stdout", async () => {
  const main = await run("--help");
  assert.is(main.code, 0);
  for (const command of ["merge", "match", "apply", "inspect", "compare"]) {
    assert.match(main.stdout, new RegExp(`^  ${command} `, "m"));
    const page = await run(command, "--help");
    assert.is(page.code, 0);
    assert.match(page.stdout, `Usage: rebasin ${command}`);
    assert.is(page.stderr, "");
  }
  assert.match((await run("--version")).stdout, /^\d+\.\d+\.\d+\n$/);
});

test("merge writes the merge, reports the matching, and is reproducible", async () => {
  const { code, json } = await runJson("merge", A, B, "-o", "m.safetensors", "--permutations-out", "p.safetensors");
  assert.is(code, 0);
  assert.is(json.method, "frank-wolfe");
  assert.is(json.spec, "mlp");
  assert.ok(json.objective > json.identityObjective);
  assert.ok(json.sweeps >= 1 && json.seconds > 0);
  assert.equal(Object.keys(json.permutations), ["P0", "P1"]);
  for (const { size, moved } of Object.values<{ size: number; moved: number }>(json.permutations)) {
    assert.is(size, 256);
    assert.ok(moved > 0 && moved <= 256);
  }
  assert.is((await run("merge", A, B, "-o", "again.safetensors", "--threads", "2")).code, 0);
  assert.ok(same("m.safetensors", "again.safetensors"));
  assert.equal(readdirSync(cli.folder).sort(), ["again.safetensors", "m.safetensors", "p.safetensors"]);
});

test("match, apply, apply --inverse: back to the same bytes of every tensor", async () => {
  const { json } = await runJson("match", A, B, "-o", "p.safetensors", "--method", "coordinate", "--seed", "3");
  assert.is(json.method, "coordinate");
  assert.is((await run("apply", B, "p.safetensors", "-o", "moved.safetensors")).code, 0);
  assert.is((await run("apply", "moved.safetensors", "p.safetensors", "-o", "back.safetensors", "--inverse")).code, 0);
  const data = (path: string) => {
    const bytes = readFileSync(path);
    return bytes.subarray(8 + Number(bytes.readBigUInt64LE(0)));
  };
  assert.not.ok(data(cli.path("moved.safetensors")).equals(data(B)));
  assert.ok(data(cli.path("back.safetensors")).equals(data(B)));
});

test("λ = 0 gives the tensors of A, λ = 1 those of the aligned B", async () => {
  await run("merge", A, B, "-o", "zero.safetensors", "--lambda", "0");
  await run("merge", A, B, "-o", "one.safetensors", "--lambda", "1", "--permutations-out", "p.safetensors");
  await run("apply", B, "p.safetensors", "-o", "aligned.safetensors");
  for (const [x, y] of [
    ["zero.safetensors", A],
    ["one.safetensors", cli.path("aligned.safetensors")],
  ] as const) {
    const compared = await runJson("compare", x, y);
    assert.is(compared.json.distance.l2, 0);
  }
});

test("inspect shows the family, the groups and the symmetries; its spec gives the same merge", async () => {
  const { json } = await runJson("inspect", A, "--spec-out", "spec.json");
  assert.is(json.family, "mlp");
  assert.ok(json.why.length > 10);
  assert.equal(json.tensors[2], {
    name: "layers.1.weight",
    dtype: "F16",
    shape: [256, 256],
    axes: ["P1", "P0"],
    votes: true,
  });
  assert.equal(json.permutations.P0, { size: 256, tensors: ["layers.0.weight", "layers.0.bias", "layers.1.weight"] });
  assert.ok(Math.abs(json.log10Symmetries - 2 * 506.9335) < 0.01, json.log10Symmetries);
  assert.equal(json.frozen, []);
  await run("merge", A, B, "-o", "auto.safetensors");
  await run("merge", A, B, "-o", "file.safetensors", "--spec", "spec.json");
  const [auto, file] = [await contents("auto.safetensors"), await contents("file.safetensors")];
  sameBytes(file.bytes, auto.bytes);
  // The plan states how the spec was chosen.
  assert.is.not(file.metadata.get("rebasin.plan"), auto.metadata.get("rebasin.plan"));
  for (const [key, value] of auto.metadata) if (key !== "rebasin.plan") assert.is(file.metadata.get(key), value, key);
  assert.match((await run("inspect", A)).stdout, /^family {4}mlp: /m);
});

test("compare of a network that is not known names what merging needs, with exit code 1", async () => {
  const lstm = (seed: number) => {
    const rng = createRng(seed);
    const tensor = (...shape: number[]) => {
      const values = Float32Array.from({ length: shape.reduce((x, y) => x * y) }, () => rng.uniform() - 0.5);
      return { dtype: "F32", shape, data: new Uint8Array(values.buffer) } as const;
    };
    return memoryModel(
      new Map([
        ["core.weight_ih_l0", tensor(32, 4)],
        ["core.weight_hh_l0", tensor(32, 8)],
        ["core.bias_ih_l0", tensor(32)],
        ["core.bias_hh_l0", tensor(32)],
        ["fc.weight", tensor(3, 8)],
      ]),
    );
  };
  const files = [1, 2].map((seed) => [`lstm-${seed}.safetensors`, lstm(seed)] as const);
  for (const [name, model] of files) writeFileSync(cli.path(name), await encodeSafetensors(model));
  const [a, b] = files.map(([name]) => name) as [string, string];
  const { code, json } = await runJson("compare", a, b);
  assert.equal([code, json.mergeable, json.reasons, json.spec], [1, false, [], null]);
  assert.match(
    (await run("compare", a, b)).stdout,
    /^not mergeable without a spec: the same 5 tensors in both, but\n {2}\S/,
  );
  assert.is((await run("inspect", a, "--spec-out", "lstm.json")).code, 0);
  assert.is((await runJson("compare", a, b, "--spec", "lstm.json")).json.mergeable, true);
});

test("compare says what keeps two models apart, with exit code 1", async () => {
  const fits = await runJson("compare", A, B);
  assert.is(fits.code, 0);
  assert.is(fits.json.mergeable, true);
  assert.equal(fits.json.reasons, []);
  writeFileSync(
    cli.path("other.safetensors"),
    await encodeSafetensors(toModel(mlpNetwork(createRng(1), [784, 9, 256, 10]).tensors)),
  );
  const differs = await runJson("compare", A, "other.safetensors");
  assert.is(differs.code, 1);
  assert.is(differs.json.mergeable, false);
  assert.equal(differs.json.reasons[0], {
    kind: "shape",
    tensor: "layers.0.weight",
    a: "F16 [256, 784]",
    b: "F32 [9, 784]",
  });
  assert.equal(new Set(differs.json.reasons.map(({ kind }: { kind: string }) => kind)), new Set(["shape"]));
  assert.match(differs.json.advice, /--keep-a layers\.0\.\*,layers\.1\.\*/);
  const { stdout } = await run("compare", A, "other.safetensors");
  assert.match(stdout, /^not mergeable: 3 differences\n\nanother shape \(3\) +A +B\n {2}layers\.0\.weight/);
  const merged = await run("merge", A, "other.safetensors", "-o", "m.safetensors");
  assert.is(merged.code, 1);
  assert.match(merged.stderr, /^rebasin: .*do not hold the same tensors: .*layers.0.weight/);
  assert.equal(readdirSync(cli.folder), ["other.safetensors"]);
});

test("wrong usage: one line, a hint, exit code 2", async () => {
  const cases: [string[], RegExp][] = [
    [["murge"], /command murge, expected one of merge, .* \(did you mean merge\?\)/],
    [["merge", A, "-o", "x"], /merge got 1 argument, expected 2: A B/],
    [["merge", A, B], /has no --output, expected --output OUT/],
    [["merge", A, B, "-o", "x", "--lamda", "1"], /Unknown option '--lamda', did you mean --lambda\?/],
    [["merge", A, B, "-o", "x", "--seed", "-1"], /--seed is followed by an option, expected a value .*--seed=-1\)/],
    [["merge", A, B, "-o", "--force"], /--output is followed by an option, expected a value/],
    [["merge", A, B, "-o", "x", "--lambda", "2"], /--lambda 2, expected a number from 0 to 1/],
    [["merge", A, B, "-o", "x", "--lambda", ""], /--lambda /],
    [["merge", A, B, "-o", "x", "--method", "greedy"], /--method greedy, expected one of frank-wolfe, coordinate/],
    [["merge", A, B, "-o", "x", "--threads", "none"], /--threads none, expected an integer from 1/],
    [["merge", A, B, "-o", "x", "--permutations-out", "x"], /x is named for two outputs/],
  ];
  for (const [words, message] of cases) {
    const { code, stdout, stderr } = await run(...words);
    assert.is(code, 2, words.join(" "));
    assert.is(stdout, "");
    assert.match(stderr, message);
    assert.is(stderr.trimEnd().split("\n").length, 2, stderr);
  }
  const { code, json } = await runJson("merge", A);
  assert.is(code, 2);
  assert.is(json.error.type, "UsageError");
});

test("bad input: one clear line, exit code 1, no output file", async () => {
  writeFileSync(cli.path("cut.safetensors"), readFileSync(A).subarray(0, 5000));
  writeFileSync(cli.path("empty.safetensors"), "");
  writeFileSync(cli.path("bad.json"), '{ "format": "rebasin-spec/1", "tensors": {}, "colour": 1 }');
  writeFileSync(
    cli.path("misfit.json"),
    '{ "format": "rebasin-spec/1", "rest": "fixed", "tensors": { "layers.0.weight": { "axes": ["P", "_"] }, "layers.2.bias": { "axes": ["P"] } } }',
  );
  const before = readdirSync(cli.folder).sort();
  const cases: [string[], string, RegExp][] = [
    [["missing.safetensors", B], "FormatError", /^missing.safetensors: no such file/],
    [
      [cli.folder, B],
      "FormatError",
      /holds 2 models \(cut\.safetensors, empty\.safetensors\), expected one: name the file/,
    ],
    [["empty.safetensors", B], "FormatError", /^empty.safetensors /],
    [["cut.safetensors", B], "FormatError", /^cut.safetensors /],
    [[A, B, "--spec", "bad.json"], "SpecError", /unknown key "colour"/],
    [
      [A, B, "--spec", "misfit.json"],
      "SpecError",
      /a.safetensors: permutation P is 10 on layers.2.bias axis 0, expected 256 as on layers.0.weight axis 0/,
    ],
    [[A, B, "--spec", "transformer"], "SpecError", /transformer.*mlp/],
    [[A, B, "--spec", "none.json"], "SpecError", /none.json: no such file/],
  ];
  for (const [words, type, message] of cases) {
    const { code, json } = await runJson("merge", ...words, "-o", "out.safetensors");
    assert.is(code, 1, words.join(" "));
    assert.is(json.error.type, type, json.error.message);
    assert.match(json.error.message, message);
    assert.not.match(json.error.message, "\n");
    assert.equal(readdirSync(cli.folder).sort(), before);
  }
});

test("an output that exists needs --force; one that is an input is always refused", async () => {
  writeFileSync(cli.path("out.safetensors"), "precious");
  const refused = await run("merge", A, B, "-o", "out.safetensors");
  assert.is(refused.code, 1);
  assert.match(refused.stderr, /out.safetensors already exists/);
  assert.is(readFileSync(cli.path("out.safetensors"), "utf8"), "precious");
  assert.is((await run("merge", A, B, "-o", "out.safetensors", "--force")).code, 0);
  writeFileSync(cli.path("a.safetensors"), readFileSync(A));
  for (const words of [[], ["--force"]]) {
    const { code, stderr } = await run("merge", "a.safetensors", B, "-o", "./a.safetensors", ...words);
    assert.is(code, 1);
    assert.match(stderr, /same file as input a.safetensors/);
    assert.ok(cli.bytes("a.safetensors").equals(readFileSync(A)));
  }
});

test("NaN is refused with the tensor's name, unless allowed", async () => {
  const { tensors } = mlpNetwork(createRng(1));
  const write = async (name: string) => writeFileSync(cli.path(name), await encodeSafetensors(toModel(tensors)));
  await write("fine.safetensors");
  tensors.get("layers.1.bias")!.data[2] = Number.NaN;
  await write("nan.safetensors");
  const { code, json } = await runJson("merge", "fine.safetensors", "nan.safetensors", "-o", "m.safetensors");
  assert.is(code, 1);
  assert.is(json.error.message, "nan.safetensors: layers.1.bias has NaN at element 2, expected finite numbers");
  assert.is(
    (await run("merge", "fine.safetensors", "nan.safetensors", "-o", "m.safetensors", "--allow-nonfinite")).code,
    0,
  );
});

test("Ctrl-C: exit code 130, and neither an output nor a temporary file", async () => {
  for (const [name, seed] of [
    ["x.safetensors", 1],
    ["y.safetensors", 2],
  ] as const) {
    writeFileSync(
      cli.path(name),
      await encodeSafetensors(toModel(mlpNetwork(createRng(seed), [64, 1500, 1500, 1500, 64]).tensors)),
    );
  }
  await cli.interrupt(1500, "merge", "x.safetensors", "y.safetensors", "-o", "m.safetensors");
  assert.equal(readdirSync(cli.folder).sort(), ["x.safetensors", "y.safetensors"]);
});

test.run();
