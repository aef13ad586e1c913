import { execFileSync } from "node:child_process";
import { chmod, mkdir, open, readFile, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { FormatError } from "../../src/base/errors.ts";
import { encodeSafetensors } from "../../src/formats/safetensors/write-safetensors.ts";
import { fileSource } from "../../src/node/file-source.ts";
import { openModelFile } from "../../src/node/open-model.ts";
import { rejects, sameBytes } from "../reference/expect-error.ts";
import { concat, counting, entry, safetensorsFile, smallFile } from "../reference/safetensors-builder.ts";
import { inFolder } from "../reference/temporary-folder.ts";

declare const __ROOT__: string;

const test = suite("file-source");

test("a file is read at any position, ends exclusive", () =>
  inFolder(async (folder) => {
    const bytes = counting(1000);
    const path = join(folder, "f");
    await writeFile(path, bytes);
    const source = await fileSource(path);
    assert.is(source.name, path);
    assert.is(source.byteLength, 1000);
    const ranges = [
      [0, 1000],
      [0, 0],
      [1000, 1000],
      [999, 1000],
      [0, 1],
      [500, 507],
    ] as const;
    for (const [start, end] of ranges)
      sameBytes(await source.slice(start, end), bytes.slice(start, end), `${start} to ${end}`);
    const [a, b] = await Promise.all([source.slice(10, 20), source.slice(15, 25)]);
    sameBytes(a, bytes.slice(10, 20));
    sameBytes(b, bytes.slice(15, 25));
    for (const [start, end] of [
      [0, 1001],
      [-1, 1],
      [2, 1],
      [0.5, 1],
    ] as const) {
      await rejects(() => source.slice(start, end), RangeError, /range .*, expected a range inside its 1000 bytes$/);
    }
    await rejects(() => source.slice(0, 1, AbortSignal.abort(new SyntaxError("stop"))), SyntaxError, /^stop$/);
    await source.close?.();
    await source.close?.();
    await rejects(() => source.slice(0, 1), RangeError, /f is closed, expected an open file$/);
  }));

test("what is no readable file is a FormatError that names the path", () =>
  inFolder(async (folder) => {
    const missing = join(folder, "model.safetensors");
    const error = await rejects(() => fileSource(missing), FormatError, /no such file/);
    assert.is(error.message, `${missing}: no such file, expected a model file`);
    await rejects(() => fileSource(join(missing, "below")), FormatError, /no such file, expected a model file$/);
    await rejects(() => fileSource(folder), FormatError, /is a directory, expected a model file$/);
    await rejects(
      () => fileSource("/dev/null"),
      FormatError,
      /^\/dev\/null is not a regular file, expected a model file$/,
    );
    await symlink("nowhere", join(folder, "dangling"));
    await rejects(() => fileSource(join(folder, "dangling")), FormatError, /no such file, expected a model file$/);
    await symlink("loop", join(folder, "loop"));
    await rejects(
      () => fileSource(join(folder, "loop")),
      FormatError,
      /too many symbolic links, expected a model file$/,
    );
  }));

test("a pipe is refused, not waited for", () =>
  inFolder(async (folder) => {
    const path = join(folder, "pipe");
    execFileSync("mkfifo", [path]);
    await rejects(() => fileSource(path), FormatError, /pipe is not a regular file, expected a model file$/);
  }));

// Root reads everything: nothing to see there.
const ordinary = process.getuid?.() === 0 ? test.skip : test;
ordinary("a file without read permission is a FormatError", () =>
  inFolder(async (folder) => {
    const path = join(folder, "secret");
    await writeFile(path, "x");
    await chmod(path, 0);
    await rejects(() => fileSource(path), FormatError, /secret permission denied, expected a model file$/);
  }),
);

test("a file that became shorter while open is a FormatError", () =>
  inFolder(async (folder) => {
    const path = join(folder, "shrinks.safetensors");
    await writeFile(path, smallFile());
    const model = await openModelFile(path);
    await truncate(path, smallFile().length - 2);
    for (const name of ["a", "b.weight"])
      await rejects(
        () => model.read(name),
        FormatError,
        /shrinks\.safetensors (was changed while it was read|ends at byte \d+, expected \d+ \(it changed while open\))/,
      );
    await model.close?.();
  }));

test("positions beyond 4 GiB are exact (a sparse file)", () =>
  inFolder(async (folder) => {
    const size = 5 * 2 ** 30;
    const tensors = [
      entry("big", "U8", `[${size}]`, `[0,${size}]`),
      entry("tail", "U8", "[4]", `[${size},${size + 4}]`),
    ];
    const head = safetensorsFile(`{${tensors.join(",")}}`);
    const path = join(folder, "sparse.safetensors");
    const handle = await open(path, "w");
    await handle.write(head, 0, head.length, 0);
    await handle.write(counting(4), 0, 4, head.length + size);
    await handle.close();
    const model = await openModelFile(path);
    assert.equal([...(await model.read("tail"))], [1, 2, 3, 4]);
    const source = await fileSource(path);
    const around = await source.slice(head.length + size - 2, head.length + size + 2);
    assert.equal([...around], [0, 0, 1, 2]);
    await source.close?.();
    await model.close?.();
  }));

test("openModelFile opens, names the path, and closes what it cannot parse", () =>
  inFolder(async (folder) => {
    const path = join(folder, "m.safetensors");
    await writeFile(path, smallFile());
    await mkdir(join(folder, "links"));
    await symlink("../m.safetensors", join(folder, "links/l"));
    const model = await openModelFile(join(folder, "links/l"));
    assert.equal([...(await model.read("a"))], [1, 2, 3, 4, 5, 6]);
    await model.close?.();
    await model.close?.();
    await writeFile(path, concat(smallFile(), counting(1)));
    // More often than a process may open files: each failure must give its handle back.
    for (let i = 0; i < 50; i++)
      await rejects(() => openModelFile(path), FormatError, /m\.safetensors has 11 bytes of data, expected 10/);
    assert.is(openHandlesOf(path), 0);
  }));

test("a file of the reference writer reads, and is written again byte for byte", async () => {
  const path = `${__ROOT__}/test/fixtures/fmnist-mlp-small-a.safetensors`;
  const model = await openModelFile(path);
  assert.equal([...model.tensors.keys()].slice(0, 2), ["layers.0.weight", "layers.0.bias"]);
  assert.equal(model.tensors.get("layers.0.weight"), { dtype: "F16", shape: [256, 784] });
  sameBytes(await encodeSafetensors(model), await readFile(path));
  await model.close?.();
});

/** How many open files of this process are `path`; 0 where there is no /proc. */
function openHandlesOf(path: string): number {
  if (process.platform !== "linux") return 0;
  const list = execFileSync("sh", ["-c", `ls -l /proc/${process.pid}/fd 2>/dev/null || true`], { encoding: "utf8" });
  return list.split("\n").filter((line) => line.endsWith(` -> ${path}`)).length;
}

test.run();
