/** `-` on the command line: stdin for one input, stdout for the output. */

import { spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { FormatError } from "../../src/base/errors.ts";
import { readAll } from "../../src/cli/dash.ts";
import { openModelFile } from "../../src/node/open-model.ts";
import { A, B, CLI, commandLine } from "../reference/command-line.ts";
import { rejects } from "../reference/expect-error.ts";

const test = suite("- on the command line");
const cli = commandLine(test);

interface Piped {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

interface Ends {
  /** What comes in; null leaves stdin open, and silent. */
  readonly input?: Uint8Array | null | undefined;
  /** A file instead. */
  readonly from?: string | undefined;
  /** A file to write to; by default stdout is read. */
  readonly to?: string | undefined;
  /** Reads some of stdout, and closes it. */
  readonly closes?: boolean | undefined;
  /** Sends SIGINT when it has begun to read. */
  readonly interrupts?: boolean | undefined;
}

/** A process of its own with these ends; its temporary files go to tmp/ in the test's folder. */
function pipe({ input = new Uint8Array(0), from, to, closes = false, interrupts = false }: Ends, ...words: string[]) {
  const [runtime, ...runtimeWords] = JSON.parse(process.env.REBASIN_RUNTIME!) as [string, ...string[]];
  mkdirSync(cli.path("tmp"), { recursive: true });
  const ends = [from === undefined ? undefined : openSync(from, "r"), to === undefined ? undefined : openSync(to, "w")];
  const child = spawn(runtime, [...runtimeWords, CLI, ...words], {
    cwd: cli.folder,
    env: { ...process.env, TMPDIR: cli.path("tmp") },
    stdio: [ends[0] ?? "pipe", ends[1] ?? "pipe", "pipe"],
  });
  for (const end of ends) if (end !== undefined) closeSync(end);
  // A command that refuses reads nothing.
  child.stdin?.on("error", () => {});
  if (input !== null) child.stdin?.end(input);
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  child.stdout?.on("data", (part: Buffer) => {
    out.push(part);
    if (closes) child.stdout!.destroy();
  });
  child.stderr!.on("data", (part: Buffer) => err.push(part));
  // More than what a pipe holds.
  if (interrupts) child.stdin!.write(Buffer.alloc(2_000_000), () => child.kill("SIGINT"));
  return new Promise<Piped>((resolve) =>
    child.on("close", (code, signal) =>
      resolve({ code, signal, stdout: Buffer.concat(out), stderr: String(Buffer.concat(err)) }),
    ),
  );
}

const [bytesOfA, bytesOfB] = [readFileSync(A), readFileSync(B)];

/** Nothing is left in the folder for temporary files. */
const checkTidy = (): void => assert.equal(readdirSync(cli.path("tmp")), []);

test("stdin is one of the inputs, in any place, and stdout gets the bytes that a file would have", async () => {
  const made = await cli.run("merge", A, B, "-o", "m.safetensors", "--permutations-out", "p.safetensors");
  assert.is(made.code, 0, made.stderr);
  const expected = cli.bytes("m.safetensors");
  for (const [input, words] of [
    [bytesOfA, ["-", B]],
    [bytesOfB, [A, "-"]],
    [cli.bytes("p.safetensors"), [A, B, "--permutations", "-"]],
  ] as const) {
    const { code, stdout, stderr } = await pipe({ input }, "merge", ...words, "-o", "-", "--no-metadata");
    assert.is(code, 0, stderr);
    assert.match(stderr, /\nmerged {5}stdout\nformat {5}/);
    assert.not.match(stderr, /\.tmp/);
    const plain = await cli.run("merge", A, B, "-o", "plain.safetensors", "--no-metadata", "--force");
    assert.is(plain.code, 0, plain.stderr);
    assert.ok(stdout.equals(cli.bytes("plain.safetensors")), words.join(" "));
    checkTidy();
  }
  const whole = await pipe({ input: bytesOfB }, "merge", A, "-", "-o", "-");
  assert.ok(whole.stdout.equals(expected));
});

test("every command that takes a model reads it from a pipe and from a file that is stdin", async () => {
  const perms = await pipe({ input: bytesOfB }, "match", A, "-", "-o", "-");
  assert.is(perms.code, 0, perms.stderr);
  assert.match(perms.stderr, /\nsaved {6}stdout\n$/);
  writeFileSync(cli.path("p.safetensors"), perms.stdout);
  const moved = await pipe({ from: B }, "apply", "-", "p.safetensors", "-o", "-");
  assert.is(moved.code, 0, moved.stderr);
  const back = await pipe({ input: moved.stdout }, "apply", "-", "p.safetensors", "-o", "-", "--inverse");
  assert.ok(back.stdout.equals(bytesOfB), back.stderr);
  const applied = await pipe({ input: perms.stdout }, "apply", B, "-", "-o", "-");
  assert.ok(applied.stdout.equals(moved.stdout), applied.stderr);

  const inspected = await pipe({ from: A }, "inspect", "-", "--json");
  assert.is(JSON.parse(String(inspected.stdout)).family, "mlp", inspected.stderr);
  const compared = await pipe({ input: bytesOfB }, "compare", A, "-", "--json");
  assert.is(JSON.parse(String(compared.stdout)).mergeable, true, compared.stderr);
  const mean = await pipe({ input: bytesOfA }, "many", "-", B, B, "-o", "mean.safetensors", "--permutations-out", "ps");
  assert.is(mean.code, 0, mean.stderr);
  assert.equal(readdirSync(cli.path("ps")).sort()[0], "0-stdin.permutations.safetensors");
});

test("any format comes in and goes out; a folder goes out as one file", async () => {
  const pt = await pipe({ input: bytesOfA }, "convert", "-", "-", "--format", "pytorch");
  assert.is(pt.code, 0, pt.stderr);
  assert.is(String(pt.stdout.subarray(0, 2)), "PK");
  const again = await pipe({ input: pt.stdout }, "convert", "-", "-");
  assert.ok(again.stdout.equals(pt.stdout), again.stderr);
  const back = await pipe({ input: pt.stdout }, "convert", "-", "back.safetensors");
  assert.is(back.code, 0, back.stderr);
  const [model, origin] = [await openModelFile(cli.path("back.safetensors")), await openModelFile(A)];
  for (const name of origin.tensors.keys()) assert.equal(await model.read(name), await origin.read(name), name);
  for (const each of [model, origin]) await each.close?.();

  const shards = await cli.run("convert", A, "shards/", "--shard-size", "200kB");
  assert.is(shards.code, 0, shards.stderr);
  const one = await pipe({}, "convert", "shards", "-");
  assert.is(one.code, 0, one.stderr);
  assert.is((await pipe({ input: one.stdout }, "compare", "-", A)).code, 0);
});

test("what - cannot be is wrong usage, before anything is read or written", async () => {
  const cases: readonly [RegExp, ...string[]][] = [
    [/^rebasin: - is given for 2 inputs, expected one/, "merge", "-", "-", "-o", "m.safetensors"],
    [/^rebasin: - is given for 2 inputs/, "merge", A, "-", "--permutations", "-", "-o", "m.safetensors"],
    [/^rebasin: - is given for 3 inputs/, "many", "-", "-", "-", "-o", "m.safetensors"],
    [/^rebasin: - is given for 2 inputs/, "apply", "-", "-", "-o", "m.safetensors"],
    [/^rebasin: - as the output .* expected no --shard-size/, "convert", A, "-", "--shard-size", "1MB"],
    [
      /^rebasin: - as the output .* --repair per-task/,
      "merge",
      A,
      B,
      "-o",
      "-",
      "--repair",
      "per-task",
      "--data",
      "d",
      "--data-b",
      "e",
    ],
    [/^rebasin: --permutations-out -, expected a file name/, "merge", A, B, "-o", "m.st", "--permutations-out", "-"],
    [/^rebasin: --spec-out -, expected a file name/, "inspect", A, "--spec-out", "-"],
  ];
  for (const [expected, ...words] of cases) {
    const { code, stdout, stderr } = await pipe({ input: null }, ...words);
    assert.is(code, 2, `${words.join(" ")}: ${stderr}`);
    assert.is(stdout.length, 0);
    assert.match(stderr, expected);
    assert.match(stderr, /\nTry: rebasin [a-z]+ --help\n$/);
  }
  for (const words of [
    ["merge", A, B, "-o", "-"],
    ["convert", A, "-"],
  ]) {
    const { code, stdout, stderr } = await pipe({}, ...words, "--json");
    assert.is(code, 2, stderr);
    const { error } = JSON.parse(String(stdout));
    assert.is(error.type, "UsageError");
    assert.match(error.message, /expected no --json/);
  }
  assert.not.ok(existsSync(cli.path("m.safetensors")));
  checkTidy();
});

test("what comes from stdin is refused in one line, and stdout stays empty", async () => {
  for (const [input, expected] of [
    [new Uint8Array(0), /^rebasin: stdin is empty, expected a model file\n$/],
    [bytesOfA.subarray(0, 1000), /^rebasin: stdin .*\n$/],
    [new Uint8Array(100_000).fill(120), /^rebasin: stdin .*\n$/],
  ] as const) {
    const { code, stdout, stderr } = await pipe({ input }, "merge", A, "-", "-o", "-");
    assert.is(code, 1, stderr);
    assert.is(stdout.length, 0);
    assert.match(stderr, expected);
    assert.is(stderr.split("\n").length, 2, stderr);
    checkTidy();
  }
  const folder = await pipe({ from: cli.folder }, "inspect", "-");
  assert.is(folder.code, 1);
  assert.match(folder.stderr, /^rebasin: stdin [^\n]*\n$/);
});

test("more than 2 GiB are refused as soon as they have come", async () => {
  const parts = (...lengths: number[]) => {
    const left = lengths.map((length, i) => new Uint8Array(length).fill(i + 1));
    return async () => left.shift();
  };
  assert.equal([...(await readAll(parts(2, 1, 3), 6))], [1, 1, 2, 3, 3, 3]);
  const next = parts(2, 5, 1);
  await rejects(() => readAll(next, 6), FormatError, /^stdin has more than 6 bytes, expected/);
  assert.is((await next())?.length, 1);
});

test("a full stdout is one line and code 1; a closed one is nothing", async () => {
  if (existsSync("/dev/full")) {
    for (const words of [
      ["convert", A, "-"],
      ["inspect", A],
    ]) {
      const { code, stderr } = await pipe({ to: "/dev/full" }, ...words);
      assert.is(code, 1, stderr);
      assert.match(stderr, /^rebasin: stdout cannot be written \(no space left on device\), expected [^\n]*\n$/);
      checkTidy();
    }
  }
  // Longer than what a pipe holds.
  const large = cli.path("large.safetensors");
  writeFileSync(large, largeModel(8_000_000));
  const { code, stderr } = await pipe({ closes: true }, "convert", large, "-");
  assert.is(code, 0, stderr);
  assert.is(stderr, "");
  checkTidy();
});

test("Ctrl-C ends a command that waits for stdin", async () => {
  const { code, signal, stderr } = await pipe({ input: null, interrupts: true }, "inspect", "-");
  // Deno, as the parent, tells of exit code 130 as of a death by SIGINT; what was printed shows that it was none.
  assert.ok(code === 130 || signal === "SIGINT", `${code} ${signal}`);
  assert.is(stderr, "rebasin: interrupted\n");
});

test("an output that fails leaves stdout empty", async () => {
  const { code, stdout, stderr } = await pipe({}, "merge", A, B, "-o", "-", "--permutations-out", A);
  assert.is(code, 1, stderr);
  assert.is(stdout.length, 0);
  assert.equal(readFileSync(A), bytesOfA);
  checkTidy();
});

/** One tensor of so many bytes. */
function largeModel(bytes: number): Buffer {
  const header = JSON.stringify({ x: { dtype: "U8", shape: [bytes], data_offsets: [0, bytes] } });
  const length = Buffer.alloc(8);
  length.writeUInt32LE(header.length);
  return Buffer.concat([length, Buffer.from(header), Buffer.alloc(bytes, 7)]);
}

test.run();
