import { execFileSync } from "node:child_process";
import { link, lstat, mkdir, readdir, readFile, readlink, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { memoryModel } from "../../src/base/memory-model.ts";
import { encodeSafetensors, writeSafetensors } from "../../src/formats/safetensors/write-safetensors.ts";
import { fileSink } from "../../src/node/file-sink.ts";
import { openModelFile } from "../../src/node/open-model.ts";
import { CHUNK_BYTES, writeFully } from "../../src/node/write-fully.ts";
import { rejects, sameBytes } from "../reference/expect-error.ts";
import { counting } from "../reference/safetensors-builder.ts";
import { inFolder } from "../reference/temporary-folder.ts";

const test = suite("file-sink");

/** Writes `text` to `path` through a sink. */
async function put(path: string, text: string, options: { force?: boolean; inputs?: string[] } = {}): Promise<void> {
  const sink = await fileSink(path, options);
  await sink.write(new TextEncoder().encode(text));
  await sink.close();
}
const get = (path: string): Promise<string> => readFile(path, "utf8");

test("the file appears at close, whole, and nothing else stays", () =>
  inFolder(async (folder) => {
    const path = join(folder, "out");
    const sink = await fileSink(path);
    await sink.write(counting(3));
    const during = await readdir(folder);
    assert.is(during.length, 1);
    assert.match(during[0]!, /^\.rebasin-\d+-[0-9a-f]{8}-[0-9a-f]{16}\.tmp$/);
    await sink.write(new Uint8Array(0));
    await sink.write(counting(300_000).subarray(3));
    await sink.close();
    assert.equal(await readdir(folder), ["out"]);
    sameBytes(await readFile(path), counting(300_000));
    await sink.abort();
    assert.equal(await readdir(folder), ["out"], "abort after close removes nothing");
    await rejects(() => sink.write(counting(1)), RangeError, /out is closed, expected an open file$/);
    await rejects(() => sink.close(), RangeError, /out is closed, expected an open file$/);
  }));

test("abort leaves nothing, or the old file", () =>
  inFolder(async (folder) => {
    const path = join(folder, "out");
    const first = await fileSink(path);
    await first.write(counting(3));
    await first.abort();
    await first.abort();
    assert.equal(await readdir(folder), []);
    await put(path, "old");
    const second = await fileSink(path, { force: true });
    await second.write(counting(3));
    assert.is(await get(path), "old", "until close");
    await second.abort();
    assert.equal(await readdir(folder), ["out"]);
    assert.is(await get(path), "old");
  }));

test("an existing file is refused, or replaced with force, keeping its permissions", () =>
  inFolder(async (folder) => {
    const path = join(folder, "out.safetensors");
    await writeFile(path, "old", { mode: 0o600 });
    const error = await rejects(() => fileSink(path), RangeError, /already exists/);
    assert.is(error.message, `${path} already exists, expected a new file (or force: true)`);
    assert.equal(await readdir(folder), ["out.safetensors"]);
    await put(path, "new", { force: true });
    assert.is(await get(path), "new");
    assert.is((await stat(path)).mode & 0o777, 0o600);
    await put(join(folder, "fresh"), "x", { force: true });
    assert.is(await get(join(folder, "fresh")), "x");
  }));

test("an input is never the target: same path, other spelling, symbolic link, hard link, with and without force", () =>
  inFolder(async (folder) => {
    const input = join(folder, "a");
    await writeFile(input, "precious");
    await mkdir(join(folder, "sub"));
    await symlink("a", join(folder, "symbolic"));
    await symlink(folder, join(folder, "sub/up"));
    await link(input, join(folder, "hard"));
    const spellings = ["a", "sub/../a", "symbolic", "hard", "sub/up/a", "sub/up/symbolic"].map(
      (path) => `${folder}/${path}`,
    );
    for (const path of spellings) {
      for (const force of [true, false]) {
        const work = () => fileSink(path, { force, inputs: [join(folder, "absent"), input] });
        const error = await rejects(work, RangeError, /is the same file as input/);
        assert.is(error.message, `${path} is the same file as input ${input}, expected another file`);
      }
      await rejects(() => fileSink(input, { force: true, inputs: [path] }), RangeError, /is the same file as input/);
    }
    assert.is(await get(input), "precious");
    await put(join(folder, "b"), "fine", { force: true, inputs: [input] });
  }));

test("a target that is no file, or in no directory, is refused before any work", () =>
  inFolder(async (folder) => {
    await mkdir(join(folder, "directory"));
    await writeFile(join(folder, "file"), "x");
    const open = (path: string) => () => fileSink(path, { force: true });
    await rejects(open(join(folder, "directory")), RangeError, /directory is a directory, expected a file name$/);
    await rejects(open("/dev/null"), RangeError, /^\/dev\/null is not a regular file, expected a file name$/);
    await rejects(
      open(join(folder, "absent/out")),
      RangeError,
      /out cannot be created in .*absent \(no such directory\), expected an existing directory$/,
    );
    await rejects(
      open(join(folder, "file/out")),
      RangeError,
      /out cannot be created in .*file \(not a directory\), expected an existing directory$/,
    );
    await rejects(
      open(join(folder, "x".repeat(300))),
      RangeError,
      /x cannot be looked at \(name too long\), expected a file name$/,
    );
    await symlink("loop", join(folder, "loop"));
    await rejects(
      open(join(folder, "loop")),
      RangeError,
      /loop leads through more than 40 symbolic links, expected fewer$/,
    );
    assert.equal((await readdir(folder)).sort(), ["directory", "file", "loop"]);
  }));

test("a symbolic link stays a link: the file behind it is written", () =>
  inFolder(async (folder) => {
    await mkdir(join(folder, "real"));
    await writeFile(join(folder, "real/out"), "old");
    await symlink("real/out", join(folder, "link"));
    await rejects(() => fileSink(join(folder, "link")), RangeError, /link already exists, expected a new file/);
    await put(join(folder, "link"), "new", { force: true });
    assert.is(await readlink(join(folder, "link")), "real/out");
    assert.is(await get(join(folder, "real/out")), "new");
    // A link to nothing leads to where the file goes.
    await symlink("real/later", join(folder, "dangling"));
    await put(join(folder, "dangling"), "made");
    assert.ok((await lstat(join(folder, "dangling"))).isSymbolicLink());
    assert.is(await get(join(folder, "real/later")), "made");
    assert.equal((await readdir(join(folder, "real"))).sort(), ["later", "out"]);
  }));

test("without force, a file that appears meanwhile is not replaced", () =>
  inFolder(async (folder) => {
    const path = join(folder, "out");
    const [first, second] = [await fileSink(path), await fileSink(path)];
    await first.write(counting(1));
    await second.write(counting(2));
    await first.close();
    await rejects(
      () => second.close(),
      RangeError,
      /out already exists \(it appeared meanwhile\), expected a new file \(or force: true\)$/,
    );
    sameBytes(await readFile(path), counting(1));
    assert.equal(await readdir(folder), ["out"]);
  }));

test("a directory that vanishes gives an error that names the file", () =>
  inFolder(async (folder) => {
    await mkdir(join(folder, "d"));
    const sink = await fileSink(join(folder, "d/out"));
    await sink.write(counting(5));
    await rm(join(folder, "d"), { recursive: true });
    const error = await rejects(
      () => sink.close(),
      RangeError,
      /d\/out cannot be written after 5 bytes \(no such file\), expected/,
    );
    assert.is((error.cause as { code?: string }).code, "ENOENT");
  }));

test("models written to a file read back, and are the bytes encoded in memory", () =>
  inFolder(async (folder) => {
    const path = join(folder, "m.safetensors");
    const tensors = new Map([
      ["10", { dtype: "F16", shape: [3], data: counting(6) }],
      ["2", { dtype: "I64", shape: [2, 1], data: counting(16) }],
    ] as const);
    const model = memoryModel(tensors, { metadata: new Map([["k", "v"]]) });
    await writeSafetensors(model, await fileSink(path));
    sameBytes(await readFile(path), await encodeSafetensors(model));
    const read = await openModelFile(path);
    for (const [name, { data }] of tensors) sameBytes(await read.read(name), data, name);
    await read.close?.();
    // A model that fails half way leaves nothing.
    const broken = {
      ...model,
      read: async (name: string) => (name === "2" ? Promise.reject(new RangeError("gone")) : counting(6)),
    };
    const sink = await fileSink(join(folder, "broken"));
    await rejects(() => writeSafetensors(broken, sink), RangeError, /^gone$/);
    assert.equal(await readdir(folder), ["m.safetensors"]);
  }));

/** Mounts a file system of 64 KiB on `folder`, where that is allowed; returns how to remove it, or undefined. */
function mountTiny(folder: string): (() => void) | undefined {
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], { stdio: "ignore" });
  } catch {
    return undefined;
  }
  return () => execFileSync("umount", ["-l", folder], { stdio: "ignore" });
}

// Elsewhere the injected writes below are all there is.
const whereMountable = (await canMount()) ? test : test.skip;
whereMountable("a full disk gives an error that names the file, and leaves the old one", () =>
  inFolder(async (folder) => {
    const unmount = mountTiny(folder)!;
    try {
      const path = join(folder, "out");
      await put(path, "old");
      const sink = await fileSink(path, { force: true });
      await sink.write(counting(4096));
      const error = await rejects(
        () => sink.write(counting(100_000)),
        RangeError,
        /out cannot be written after 4096 bytes \(no space left on device\), expected room on a working disk$/,
      );
      assert.is((error.cause as { code?: string }).code, "ENOSPC");
      assert.equal(await readdir(folder), ["out"]);
      assert.is(await get(path), "old");
      await sink.abort();
    } finally {
      unmount();
    }
  }),
);

async function canMount(): Promise<boolean> {
  let unmount: (() => void) | undefined;
  await inFolder(async (folder) => {
    unmount = mountTiny(folder);
    unmount?.();
  });
  return unmount !== undefined;
}

test("short writes are continued, in pieces of bounded size; no progress and errors end them", async () => {
  const bytes = counting(1000);
  const seen: number[] = [];
  const stingy = async (all: Uint8Array, offset: number, length: number) => {
    const bytesWritten = Math.min(length, 7);
    seen.push(...all.subarray(offset, offset + bytesWritten));
    return { bytesWritten };
  };
  await writeFully(stingy, bytes);
  sameBytes(Uint8Array.from(seen), bytes);
  await rejects(
    () => writeFully(async () => ({ bytesWritten: 0 }), bytes),
    RangeError,
    /^write took 0 bytes, expected 1 to 1000$/,
  );
  const full = async () => Promise.reject(Object.assign(new RangeError("disk"), { code: "ENOSPC" }));
  await rejects(() => writeFully(full, bytes), RangeError, /^disk$/);
  const lengths: number[] = [];
  const vast = { length: 2.5 * CHUNK_BYTES } as Uint8Array;
  await writeFully(async (_, __, length) => ({ bytesWritten: lengths.push(length) && length }), vast);
  assert.equal(lengths, [CHUNK_BYTES, CHUNK_BYTES, CHUNK_BYTES / 2]);
});

test.run();
