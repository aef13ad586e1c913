/**
 * Counts the memory that merges take: pages of wasm memories and bytes of array buffers, until the garbage collector has
 * taken them. For tests, where a variable of the environment asks for it: it puts counting constructors in place of the
 * runtime's. What the runtime allocates by itself (chunks of bodies) is not seen.
 */

export interface MemoryUse {
  /** Bytes now, and the most there ever were. */
  report(): { held: number; peak: number };
}

/** What makes it worth looking at what is gone; and what is too small to count. */
const [LARGE_BYTES, SMALL_BYTES] = [1_000_000, 4096];

/** A wasm memory, which can grow, or a buffer. */
interface Counted {
  readonly ref: WeakRef<object>;
  bytes: number;
}

export function measureMemory(): MemoryUse {
  let counted: Counted[] = [];
  let held = 0;
  let peak = 0;

  /** Before `bytes` are allocated: what is gone is no longer counted. */
  const makeRoom = (bytes: number): void => {
    if (bytes < LARGE_BYTES) return;
    counted = counted.filter(({ ref }) => ref.deref() !== undefined);
    held = counted.reduce((sum, own) => sum + own.bytes, 0);
  };
  const add = (bytes: number): void => {
    held += bytes;
    peak = Math.max(peak, held);
  };
  const count = (object: object, bytes: number): Counted => {
    const entry = { ref: new WeakRef(object), bytes };
    counted.push(entry);
    add(bytes);
    return entry;
  };

  countMemories(makeRoom, add, count);
  countArrays(makeRoom, (buffer) => void count(buffer, buffer.byteLength));
  return { report: () => ({ held, peak }) };
}

function countMemories(
  makeRoom: (bytes: number) => void,
  add: (bytes: number) => void,
  count: (object: object, bytes: number) => Counted,
): void {
  const { Memory } = WebAssembly;
  const entries = new WeakMap<WebAssembly.Memory, Counted>();
  WebAssembly.Memory = class extends Memory {
    constructor(descriptor: WebAssembly.MemoryDescriptor) {
      super(descriptor);
      entries.set(this, count(this, this.buffer.byteLength));
    }

    override grow(pages: number): number {
      const bytes = 65536 * pages;
      makeRoom(bytes);
      const before = super.grow(pages);
      entries.get(this)!.bytes += bytes;
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
