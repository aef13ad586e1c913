/**
 * Writes the pickle of a state dict, as `torch.save` does (protocol 2), without references back: a few bytes more a
 * tensor.
 */

/** Appends opcodes to a growing array. */
export class PickleWriter {
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(1024);
  #length = 0;

  /** What was written: a view. */
  bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Opcodes and their operands as they are. */
  op(...bytes: readonly number[]): this {
    this.#room(bytes.length).set(bytes);
    return this;
  }

  #room(count: number): Uint8Array {
    if (this.#length + count > this.#bytes.length) {
      const larger = new Uint8Array(2 * (this.#length + count));
      larger.set(this.bytes());
      this.#bytes = larger;
    }
    this.#length += count;
    return this.#bytes.subarray(this.#length - count, this.#length);
  }

  text(value: string): this {
    const bytes = new TextEncoder().encode(value);
    this.op(0x58, ...littleEndian(bytes.length, 4));
    this.#room(bytes.length).set(bytes);
    return this;
  }

  /** A whole number from 0. */
  integer(value: number): this {
    if (value < 256) return this.op(0x4b, value);
    if (value < 2 ** 31) return this.op(0x4a, ...littleEndian(value, 4));
    // 8 bytes of two's complement: the highest bit is free.
    return this.op(0x8a, 8, ...littleEndian(value, 8));
  }

  /** A class or function. Its names are ASCII. */
  global(module: string, name: string): this {
    const line = `c${module}\n${name}\n`;
    return this.op(...Array.from(line, (c) => c.charCodeAt(0)));
  }

  tuple(values: readonly number[]): this {
    this.op(0x28);
    for (const value of values) this.integer(value);
    return this.op(0x74);
  }

  /** An empty ordered dictionary. */
  orderedDict(): this {
    return this.global("collections", "OrderedDict").op(0x29, 0x52);
  }
}

function littleEndian(value: number, count: number): number[] {
  let rest = value;
  return Array.from({ length: count }, () => {
    const byte = rest % 256;
    rest = Math.floor(rest / 256);
    return byte;
  });
}
