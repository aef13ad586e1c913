/** Hands out wasm memory above the module's static data: a bump pointer, released in marks. Kernels never allocate. */

const PAGE_BYTES = 65536;

/** What 32-bit addresses reach: 65,536 pages. */
const MEMORY_LIMIT = 2 ** 32;

/** Of every allocation: a cache line, and a multiple of every vector and element size. */
const ALIGNMENT = 64;

/** The two members of `WebAssembly.Memory` an arena needs. */
export type GrowableMemory = Pick<WebAssembly.Memory, "buffer" | "grow">;

/**
 * A bump allocator over one wasm memory. Growing detaches every view of `memory.buffer`: make views after the last
 * allocation, at the moment of use, and never keep them across an `allocate` or an `await`.
 *
 * @example
 * const mark = arena.mark();
 * const pointer = arena.allocate(4 * n);
 * // … kernels …
 * arena.release(mark);
 */
export interface Arena {
  /**
   * Address of `bytes` fresh bytes, 64-byte aligned, contents undefined. The memory grows when it must; nothing
   * changes if it cannot. Throws `RangeError` for a size that is no whole number, beyond 4 GiB, or refused.
   */
  allocate(bytes: number): number;
  /**
   * Makes sure that allocations up to the address `end` will succeed: the memory grows now, once, or `RangeError` is
   * thrown with the whole need in it.
   */
  reserve(end: number): void;
  /** The current top, for `release`. */
  mark(): number;
  /**
   * Frees everything allocated since `mark`. Memory never shrinks: the bytes are used again. Throws `RangeError`
   * for a mark above the top.
   */
  release(mark: number): void;
}

/**
 * An arena over `memory`; `base`: the first free byte address.
 *
 * @example
 * const arena = createArena(new WebAssembly.Memory({ initial: 1 }), 1000);
 * arena.allocate(10); // 1024, the next multiple of 64
 */
export function createArena(memory: GrowableMemory, base: number): Arena {
  return bump(base, (end) => {
    if (end > memory.buffer.byteLength) grow(memory, end);
  });
}

/** An arena over no memory at all, which only counts what is allocated: how much a job will need from `base` on. */
export function countingArena(base: number): Arena {
  return bump(base, () => undefined);
}

/** `reserve` is called before the top rises. */
function bump(base: number, reserve: (end: number) => void): Arena {
  let top = base;
  return {
    reserve,
    allocate: (bytes) => {
      if (!Number.isSafeInteger(bytes) || bytes < 0)
        throw new RangeError(`allocation ${bytes} bytes, expected a whole number`);
      const start = Math.ceil(top / ALIGNMENT) * ALIGNMENT;
      reserve(start + bytes);
      top = start + bytes;
      return start;
    },
    mark: () => top,
    release: (mark) => {
      if (!(mark <= top)) throw new RangeError(`arena mark ${mark}, expected at most ${top}`);
      top = mark;
    },
  };
}

/** Grows the memory to at least `end` bytes, more than it has. */
function grow(memory: GrowableMemory, end: number): void {
  const held = memory.buffer.byteLength;
  if (end > MEMORY_LIMIT) throw new RangeError(`wasm memory ${end} bytes needed, expected at most ${MEMORY_LIMIT}`);
  try {
    memory.grow(Math.ceil((end - held) / PAGE_BYTES));
  } catch (cause) {
    // The engine's own limit, or the machine's: what is held is all there is.
    throw new RangeError(`wasm memory ${end} bytes needed, expected at most ${held}: the engine refused to grow it`, {
      cause,
    });
  }
}
