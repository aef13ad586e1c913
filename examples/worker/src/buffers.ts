/**
 * The large buffers of one request. The garbage collector is in no hurry, and would let the files of several requests,
 * merged or refused, lie beside those of the next.
 */

export interface Buffers {
  allocate(bytes: number): Uint8Array<ArrayBuffer>;
  /** Gives their memory back now. Nothing may use them any more: they have no bytes then. */
  release(): void;
}

export function createBuffers(): Buffers {
  let held: ArrayBuffer[] = [];
  return {
    allocate(bytes) {
      const array = new Uint8Array(bytes);
      held.push(array.buffer);
      return array;
    },
    release() {
      for (const buffer of held) free(buffer);
      held = [];
    },
  };
}

/** Moving a buffer into one of no bytes is the one way to give memory back without waiting for the collector. */
export function free(buffer: ArrayBuffer): void {
  buffer.transfer(0);
}
