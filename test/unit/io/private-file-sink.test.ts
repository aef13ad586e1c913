/** Files of the browser as outputs: where there are any, what is written is there until it is removed. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type PrivateFileSink, privateFileSink, removePrivateFiles } from "../../../src/io/private-file-sink.ts";
import { rejects } from "../../reference/expect-error.ts";

const test = suite("private file sink");

/** Null, and nothing to test, in runtimes that are no browsers and in browsers that keep no files for this page. */
const open = (bytes?: number): Promise<PrivateFileSink | null> => privateFileSink(bytes);

async function names(): Promise<string[]> {
  const found: string[] = [];
  const folder = (await navigator.storage.getDirectory()) as unknown as { keys(): AsyncIterable<string> };
  // Chromium writes a stream into another file first.
  for await (const name of folder.keys()) if (/^rebasin-.*(?<!\.crswap)$/.test(name)) found.push(name);
  return found;
}

test("the file has what was written, in order", async () => {
  const sink = await open(300_000);
  const { storage } = (globalThis as { navigator?: { storage?: Partial<StorageManager> } }).navigator ?? {};
  assert.is(sink === null, storage?.getDirectory === undefined);
  if (sink === null) return;
  const room = new Uint8Array(100_000);
  for (let round = 1; round <= 3; round++) {
    // The same room again, as writers do.
    await sink.write(room.fill(round));
  }
  await sink.close();
  await sink.abort();
  const bytes = new Uint8Array(await (await sink.file()).arrayBuffer());
  assert.is(bytes.length, 300_000);
  assert.ok(bytes.every((value, i) => value === 1 + Math.floor(i / 100_000)));
  await sink.remove();
  await sink.remove();
  assert.equal(await names(), []);
});

test("nothing is left of an output that was given up", async () => {
  const sink = await open();
  if (sink === null) return;
  await sink.write(new Uint8Array(1000));
  await sink.abort();
  await sink.abort();
  assert.equal(await names(), []);
});

test("leftovers are removed, files in use and files of others are not", async () => {
  const sink = await open();
  if (sink === null) return;
  const folder = await navigator.storage.getDirectory();
  for (const leftover of ["rebasin-00000000deadbeef.tmp", "rebasin-0123456789abcdef.tmp"])
    await folder.getFileHandle(leftover, { create: true });
  await folder.getFileHandle("rebasin-notes", { create: true });
  assert.is((await names()).length, 4);
  await removePrivateFiles();
  assert.is((await names()).length, 2);
  await sink.write(new Uint8Array([1, 2, 3]));
  await sink.close();
  assert.is((await sink.file()).size, 3);
  await sink.remove();
  assert.equal(await names(), ["rebasin-notes"]);
  await folder.removeEntry("rebasin-notes");
});

test("more than the browser has room for is refused before anything is written", async () => {
  const sink = await open();
  if (sink === null) return;
  await sink.abort();
  await rejects(
    () => open(2 ** 60),
    RangeError,
    /^storage of the browser for this page has room for \d+ bytes, expected room for \d+ bytes of the file: free disk space, or clear data of sites$/,
  );
  assert.equal(await names(), []);
});

test("harmless where there are none", async () => {
  await removePrivateFiles();
});

test.run();
