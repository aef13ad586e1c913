/** Files that others touch while a command runs: inputs that change, temporary files of runs that died, several outputs. */

import { spawn } from "node:child_process";
import { copyFileSync, existsSync, readdirSync, readFileSync, renameSync, utimesSync, writeFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { FormatError } from "../../src/base/errors.ts";
import { fileSink } from "../../src/node/file-sink.ts";
import { fileSource } from "../../src/node/file-source.ts";
import { holdOutputs, writesAtOnce } from "../../src/node/held-outputs.ts";
import { openModelFile } from "../../src/node/open-model.ts";
import { saveModel } from "../../src/node/save-model.ts";
import { watchTemporaries } from "../../src/node/temporaries.ts";
import { rebasin } from "../../src/plan/rebasin.ts";
import { A, B, commandLine } from "../reference/command-line.ts";
import { rejects } from "../reference/expect-error.ts";

const test = suite("changed inputs");
const cli = commandLine(test);
const CHANGED = /input was changed while it was read, expected it to stay as it is/;

/** Ways in which a file of the same size comes to be another. */
const CHANGES: Record<string, (path: string, other: string) => void> = {
  "overwritten in place": (path, other) => writeFileSync(path, readFileSync(other)),
  "one byte": (path) => {
    const bytes = readFileSync(path);
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(path, bytes);
  },
  touched: (path) => utimesSync(path, 1, 1),
  grown: (path) => writeFileSync(path, "more", { flag: "a" }),
  truncated: (path) => writeFileSync(path, readFileSync(path).subarray(0, 1000)),
};

for (const [what, change] of Object.entries(CHANGES))
  test(`an input that is ${what} is no longer read`, async () => {
    copyFileSync(A, cli.path("input"));
    const source = await fileSource(cli.path("input"));
    await source.slice(0, 100);
    change(cli.path("input"), B);
    await rejects(() => source.slice(100, 200), FormatError, CHANGED);
    await source.close?.();
  });

test("nothing takes its name when an input was changed or replaced after its last byte was read", async () => {
  const replace = (path: string): void => renameSync(cli.path("other"), path);
  const changes: typeof CHANGES = { ...CHANGES, replaced: replace };
  for (const change of Object.values(changes)) {
    copyFileSync(A, cli.path("input"));
    copyFileSync(A, cli.path("other"));
    const input = await openModelFile(cli.path("input"));
    const sink = await fileSink(cli.path("out"), { inputs: [cli.path("input")] });
    await sink.write(new Uint8Array(10));
    change(cli.path("input"), B);
    await rejects(() => sink.close(), FormatError, CHANGED);
    await input.close?.();
    assert.equal(
      readdirSync(cli.folder).filter((name) => !["input", "other"].includes(name)),
      [],
    );
  }
});

test("an input that was removed is read to its end, and others may change", async () => {
  copyFileSync(A, cli.path("input"));
  copyFileSync(A, cli.path("elsewhere"));
  const [input, elsewhere] = [await openModelFile(cli.path("input")), await openModelFile(cli.path("elsewhere"))];
  const sink = await fileSink(cli.path("out"), { inputs: [cli.path("input")] });
  renameSync(cli.path("input"), cli.path("gone"));
  utimesSync(cli.path("elsewhere"), 1, 1);
  await input.read([...input.tensors.keys()][0]!);
  await sink.close();
  assert.ok(existsSync(cli.path("out")));
  for (const model of [input, elsewhere]) await model.close?.();
});

test("held outputs take their names together, or none that is new does", async () => {
  const write = async (name: string, force = false): Promise<void> => {
    const sink = await fileSink(cli.path(name), { force });
    await sink.write(new TextEncoder().encode(name));
    await sink.close();
  };
  writesAtOnce(cli.path("checkpoint"));
  const held = holdOutputs();
  await write("one");
  await write("two");
  await write("checkpoint", true);
  const isTemporary = (name: string): boolean => name.startsWith(".rebasin-");
  assert.equal(
    readdirSync(cli.folder).filter((name) => !isTemporary(name)),
    ["checkpoint"],
  );
  await held.commit();
  assert.equal(readdirSync(cli.folder).sort(), ["checkpoint", "one", "two"]);

  const [stopped, failing] = [holdOutputs(), "three"];
  await write(failing);
  await stopped.abort();
  const again = holdOutputs();
  await write("three");
  await write("four");
  writeFileSync(cli.path("four"), "somebody else's");
  await rejects(() => again.commit(), RangeError, /four already exists \(it appeared meanwhile\)/);
  assert.equal(readdirSync(cli.folder).sort(), ["checkpoint", "four", "one", "two"]);
  assert.is(readFileSync(cli.path("four"), "utf8"), "somebody else's");
});

test("temporary files of processes that are gone are removed, those of others stay", async () => {
  const names: string[] = [];
  watchTemporaries((path, exists) => exists && names.push(path));
  const sink = await fileSink(cli.path("first"));
  await sink.abort();
  watchTemporaries(() => {});
  const own = names[0]!.slice(cli.folder.length + 1);
  const child = spawn(process.execPath, ["--version"], { stdio: "ignore" });
  await new Promise((resolve) => child.on("close", resolve));
  const dead = own.replace(String(process.pid), String(child.pid));
  const stale = dead.replace(/[0-9a-f]{16}\.tmp$/, "0123456789abcdef.tmp");
  const foreign = stale.replace(/-[0-9a-f]{8}-/, "-00000000-");
  const kept = [own, foreign, ".rebasin-notes.tmp", ".rebasin-0123456789abcdef.tmp"];
  for (const name of [stale, ...kept]) writeFileSync(cli.path(name), "");
  const { code } = await cli.run("match", A, B, "-o", "p.safetensors");
  assert.is(code, 0);
  assert.equal(readdirSync(cli.folder).sort(), [...kept, "p.safetensors"].sort());
});

test("16 overwrites of an input during a merge: 16 errors, nothing written", async () => {
  for (let run = 0; run < 16; run++) {
    copyFileSync(A, cli.path("input"));
    copyFileSync(B, cli.path("b"));
    const [a, b] = [await openModelFile(cli.path("b")), await openModelFile(cli.path("input"))];
    let steps = 0;
    const onProgress = (): void => {
      if (steps++ === run) writeFileSync(cli.path("input"), readFileSync(B));
    };
    const merge = async (): Promise<void> => {
      const { model } = await rebasin(a, b, { onProgress });
      await saveModel(model, cli.path("out.safetensors"), { inputs: [cli.path("input")], onProgress });
    };
    await rejects(merge, FormatError, CHANGED);
    assert.ok(steps > run, `${steps} steps`);
    for (const model of [a, b]) await model.close?.();
    assert.equal(readdirSync(cli.folder).sort(), ["b", "input"]);
  }
});

test.run();
