import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createArena, type GrowableMemory } from "../../../src/kernels/arena.ts";
import { createKernels } from "../../../src/kernels/kernels.ts";

const PAGE = 65536;

/** A memory that only counts: its buffer is nothing but a length. */
function createMemory(pages: number, limit = 65536): GrowableMemory & { grown: number[] } {
  const buffer = { byteLength: pages * PAGE };
  const grown: number[] = [];
  return {
    grown,
    buffer: buffer as ArrayBuffer,
    grow(delta: number): number {
      const before = buffer.byteLength / PAGE;
      if (!Number.isInteger(delta) || before + delta > limit) throw new RangeError("refused");
      buffer.byteLength += delta * PAGE;
      grown.push(delta);
      return before;
    },
  };
}

const test = suite("kernels arena");

test("allocations are 64-byte aligned and do not overlap", () => {
  const arena = createArena(createMemory(1), 1030);
  assert.is(arena.allocate(1), 1088);
  assert.is(arena.allocate(64), 1152);
  assert.is(arena.allocate(0), 1216);
  assert.is(arena.allocate(65), 1216);
  assert.is(arena.allocate(8), 1344);
});

test("it grows by whole pages, and not before it must", () => {
  const memory = createMemory(1);
  const arena = createArena(memory, 1024);
  arena.allocate(PAGE - 1024);
  assert.equal(memory.grown, []);
  arena.allocate(1);
  assert.equal(memory.grown, [1]);
  arena.allocate(3 * PAGE);
  assert.equal(memory.grown, [1, 3]);
});

test("release gives back, and memory is used again without growing", () => {
  const memory = createMemory(1);
  const arena = createArena(memory, 1024);
  const first = arena.allocate(100);
  const mark = arena.mark();
  const second = arena.allocate(10 * PAGE);
  arena.release(mark);
  assert.is(arena.allocate(10 * PAGE), second);
  assert.is(memory.grown.length, 1);
  assert.ok(first < second);
  assert.throws(() => arena.release(arena.mark() + 1), /^arena mark \d+, expected at most \d+$/);
  assert.throws(() => arena.release(Number.NaN), /arena mark NaN/);
});

test("the last byte of 4 GiB can be had, the next cannot", () => {
  const memory = createMemory(1);
  const arena = createArena(memory, 1024);
  assert.is(arena.allocate(2 ** 32 - 1024), 1024);
  assert.is(memory.buffer.byteLength, 2 ** 32);
  assert.throws(() => arena.allocate(1), "wasm memory 4294967297 bytes needed, expected at most 4294967296");
});

test("addresses beyond 2 GiB stay positive", () => {
  const arena = createArena(createMemory(1), 1024);
  arena.allocate(3 * 2 ** 30);
  assert.is(arena.allocate(64), 3 * 2 ** 30 + 1024);
});

test("a request beyond 4 GiB names the bytes and changes nothing", () => {
  const memory = createMemory(1);
  const arena = createArena(memory, 1024);
  const mark = arena.mark();
  assert.throws(
    () => arena.allocate(5 * 2 ** 30 - 1024),
    (error: unknown) =>
      error instanceof RangeError &&
      error.message === "wasm memory 5368709120 bytes needed, expected at most 4294967296",
  );
  assert.is(arena.mark(), mark);
  assert.equal(memory.grown, []);
  assert.is(arena.allocate(1), 1024);
});

test("refused growth names the bytes and changes nothing", () => {
  const arena = createArena(createMemory(1, 4), 1024);
  const mark = arena.mark();
  assert.throws(
    () => arena.allocate(4 * PAGE),
    (error: unknown) =>
      error instanceof RangeError &&
      error.message === "wasm memory 263168 bytes needed, expected at most 65536: the engine refused to grow it",
  );
  assert.is(arena.mark(), mark);
  assert.is(arena.allocate(3 * PAGE), 1024);
});

test("sizes that are no whole numbers are refused", () => {
  const arena = createArena(createMemory(1), 1024);
  for (const bytes of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
    assert.throws(() => arena.allocate(bytes), /^allocation .* bytes, expected a whole number$/);
  }
});

test("views of a real memory survive until it grows, and are fresh each call", () => {
  const { arena, f32, f64, i32, u8, memory } = createKernels();
  const pointer = arena.allocate(64);
  f32(pointer, 2).set([1, -2]);
  const stale = f32(pointer, 2);
  arena.allocate(memory.buffer.byteLength);
  assert.is(stale.length, 0);
  assert.equal([...f32(pointer, 2)], [1, -2]);
  assert.equal([...i32(pointer, 1)], [0x3f800000]);
  assert.equal([...u8(pointer, 4)], [0, 0, 0x80, 0x3f]);
  f64(pointer, 1)[0] = 1;
  assert.equal([...i32(pointer, 2)], [0, 0x3ff00000]);
});

test.run();
