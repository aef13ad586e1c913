/**
 * Counts the memory that merges take: pages of wasm memories and bytes of array buffers, until the garbage collector has
 * taken them. For tests, where a variable of the environment asks for it: it puts counting constructors in place of the
 * runtime's. What the runtime allocates by itself (chunks of bodies) is not seen.
 */

export interface MemoryUse {
  report(): { wasm: number; arrays: number; peak: number };
}

export function measureMemory(): MemoryUse {
  let wasm = 0;
  let arrays = 0;
  let peak = 0;
  const note = (): void => {
    peak = Math.max(peak, wasm + arrays);
  };
  /** Sizes are held in objects that outlive what they count. */
  const collected = new FinalizationRegistry<{ bytes: number; kind: "wasm" | "arrays" }>(({ bytes, kind }) => {
    if (kind === "wasm") wasm -= bytes;
    else arrays -= bytes;
  });

  const { Memory } = WebAssembly;
  const sizes = new WeakMap<WebAssembly.Memory, { bytes: number; kind: "wasm" }>();
  WebAssembly.Memory = class extends Memory {
    constructor(descriptor: WebAssembly.MemoryDescriptor) {
      super(descriptor);
      const size = { bytes: this.buffer.byteLength, kind: "wasm" as const };
      wasm += size.bytes;
      sizes.set(this, size);
      collected.register(this, size);
      note();
    }

    override grow(pages: number): number {
      const before = super.grow(pages);
      sizes.get(this)!.bytes += 65536 * pages;
      wasm += 65536 * pages;
      note();
      return before;
    }
  };

  const countArray = ({ buffer }: ArrayBufferView): void => {
    const bytes = buffer.byteLength;
    arrays += bytes;
    collected.register(buffer, { bytes, kind: "arrays" });
    note();
  };
  for (const name of ["Uint8Array", "Int32Array", "Float32Array", "Float64Array"] as const) {
    const scope = globalThis as unknown as Record<string, new (...args: unknown[]) => ArrayBufferView>;
    scope[name] = new Proxy(scope[name]!, {
      construct(target, args) {
        const array = new target(...args);
        // A view of a buffer takes nothing.
        if (!(args[0] instanceof ArrayBuffer)) countArray(array);
        return array;
      },
    });
  }
  const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as Pick<Uint8Array, "slice">;
  const { slice } = typedArray;
  typedArray.slice = function (this: Uint8Array, ...range: [number?, number?]): Uint8Array<ArrayBuffer> {
    const copy = slice.apply(this, range);
    countArray(copy);
    return copy;
  };
  return { report: () => ({ wasm, arrays, peak }) };
}
