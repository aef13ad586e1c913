/**
 * Counts the memory that merges take: pages of wasm memories and bytes of array buffers, until the garbage collector has
 * taken them. For tests: it puts counting constructors in place of the
 * runtime's. What the runtime allocates by itself (chunks of bodies) is not seen.
 */

export interface MemoryUse {
  /** Bytes now, and the most there ever were. */
  report(): { held: number; peak: number };
}

/** What makes it worth looking at what is gone; and what is too small to count. */
const [LARGE_BYTES, SMALL_BYTES] = [1_000_000, 4096];

/** A wasm memory, which can grow, or a buffer, which has no bytes any more when it is given back. */
type Counted = WebAssembly.Memory | ArrayBufferLike;

const bytesOf = (object: Counted | undefined): number =>
  object === undefined ? 0 : object instanceof WebAssembly.Memory ? object.buffer.byteLength : object.byteLength;

export function measureMemory(): MemoryUse {
  let counted: WeakRef<Counted>[] = [];
  let held = 0;
  let peak = 0;

  /** Before `bytes` are allocated: what is gone is no longer counted. */
  const makeRoom = (bytes: number): void => {
    if (bytes < LARGE_BYTES) return;
    counted = counted.filter((ref) => bytesOf(ref.deref()) > 0);
    held = counted.reduce((sum, ref) => sum + bytesOf(ref.deref()), 0);
  };
  const add = (bytes: number): void => {
    held += bytes;
    peak = Math.max(peak, held);
  };
  const count = (object: Counted): void => {
    counted.push(new WeakRef(object));
    add(bytesOf(object));
  };

  countMemories(makeRoom, add, count);
  countArrays(makeRoom, count);
  return { report: () => ({ held, peak }) };
}

function countMemories(
  makeRoom: (bytes: number) => void,
  add: (bytes: number) => void,
  count: (object: Counted) => void,
): void {
  const { Memory } = WebAssembly;
  WebAssembly.Memory = class extends Memory {
    constructor(descriptor: WebAssembly.MemoryDescriptor) {
      super(descriptor);
      count(this);
    }

    override grow(pages: number): number {
      const bytes = 65536 * pages;
      makeRoom(bytes);
      const before = super.grow(pages);
      add(bytes);
      return before;
    }
  };
}

function countArrays(makeRoom: (bytes: number) => void, count: (buffer: ArrayBufferLike) => void): void {
  const note = ({ buffer }: ArrayBufferView): void => {
    if (buffer.byteLength >= SMALL_BYTES) count(buffer);
  };
  const scope = globalThis as unknown as Record<string, new (...args: unknown[]) => ArrayBufferView>;
  for (const [name, size] of [
    ["Uint8Array", 1],
    ["Int32Array", 4],
    ["Float32Array", 4],
    ["Float64Array", 8],
  ] as const) {
    scope[name] = new Proxy(scope[name]!, {
      construct(target, args) {
        if (typeof args[0] === "number") makeRoom(size * args[0]);
        const array = new target(...args);
        // A view of a buffer takes nothing.
        if (!(args[0] instanceof ArrayBuffer)) note(array);
        return array;
      },
    });
  }
  const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as Pick<Uint8Array, "slice">;
  const { slice } = typedArray;
  typedArray.slice = function (this: Uint8Array, ...range: [number?, number?]): Uint8Array<ArrayBuffer> {
    makeRoom(this.byteLength);
    const copy = slice.apply(this, range);
    note(copy);
    return copy;
  };
}
