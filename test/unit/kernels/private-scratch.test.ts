/** The temporary file of a matching in a browser, over a handle that is as hard to please as any. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { SyncAccess } from "../../../src/kernels/private-files.ts";
import { memoryOfPage } from "../../../src/kernels/private-files.ts";
import { createPrivateScratch, scratchOf } from "../../../src/kernels/private-scratch.ts";

const test = suite("private scratch file");

/** Refuses shared memory, as some browsers do, and moves at most `most` bytes at a time. */
function fakeAccess(most: number, room = Number.POSITIVE_INFINITY) {
  let bytes = new Uint8Array(0);
  const state = { closed: 0, removed: 0 };
  const refuseShared = (view: Uint8Array): void => {
    if (!(view.buffer instanceof ArrayBuffer)) throw new TypeError("shared memory");
  };
  const access: SyncAccess = {
    read(into, { at }) {
      refuseShared(into);
      const piece = bytes.subarray(at, at + Math.min(most, into.length));
      into.set(piece);
      return piece.length;
    },
    write(from, { at }) {
      refuseShared(from);
      const piece = from.subarray(0, most);
      if (at + piece.length > room) throw Object.assign(new Error("quota"), { name: "QuotaExceededError" });
      const longer = new Uint8Array(Math.max(bytes.length, at + piece.length));
      longer.set(bytes);
      longer.set(piece, at);
      bytes = longer;
      return piece.length;
    },
    close: () => void state.closed++,
  };
  const file = scratchOf(access, async () => void state.removed++);
  return { file, state };
}

for (const most of [1000, 2 ** 30])
  for (const shared of [false, true])
    test(`gives back what was written, ${most} bytes at a time${shared ? ", from and to shared memory" : ""}`, () => {
      if (shared && typeof SharedArrayBuffer === "undefined") return;
      const make = (count: number): Uint8Array =>
        new Uint8Array((shared ? new SharedArrayBuffer(count) : new ArrayBuffer(count)) as ArrayBuffer);
      // More than what goes through the copy at a time.
      const count = most === 1000 ? 12_345 : 5_000_000;
      const bytes = make(count);
      for (let i = 0; i < count; i++) bytes[i] = i * 7 + (i >> 8);
      const { file } = fakeAccess(most);
      file.write(bytes, 4321);
      file.write(bytes.subarray(0, 10), 0);
      const back = make(count);
      file.read(back, 4321);
      assert.is(
        back.findIndex((value, i) => value !== bytes[i]),
        -1,
      );
      assert.throws(
        () => file.read(back, 4322),
        /^temporary file of the browser ended, expected what was written to it$/,
      );
    });

test("is closed and removed once", async () => {
  const { file, state } = fakeAccess(100);
  await file.close();
  await file.close();
  assert.equal(state, { closed: 1, removed: 1 });
});

test("a full disk is told in one line with what to do", () => {
  for (const { file } of [fakeAccess(1000, 5000), fakeAccess(0)])
    assert.throws(
      () => file.write(new Uint8Array(6000), 0),
      /^storage of the browser for this page is full, expected room for \d+ bytes of matrices \(a larger memory option needs less\): free disk space, or clear data of sites$/,
    );
});

test("there is none outside of workers; the default of pages is conservative", async () => {
  if (!("WorkerGlobalScope" in globalThis)) assert.is(await createPrivateScratch(), null);
  const bytes = memoryOfPage();
  assert.ok(bytes >= 2 ** 25 && bytes <= 750e6, String(bytes));
});

test.run();
