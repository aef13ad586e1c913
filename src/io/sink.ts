/**
 * Where bytes go: written in order, then closed or aborted. Files of Node, Deno and Bun are in
 * `src/node/file-sink.ts`.
 */

/** A sequential output. One call at a time: wait for each promise. */
export interface ByteSink {
  /** Appends all of `bytes`; they may be reused when it resolves. */
  write(bytes: Uint8Array): Promise<void>;
  /** Completes the output: only now does it exist for others. */
  close(): Promise<void>;
  /** Gives up: nothing is left behind. Harmless after `close` and when called twice. */
  abort(): Promise<void>;
}

/** A sink in memory; `bytes` gives a copy of everything written. */
export interface MemorySink extends ByteSink {
  /** What has been written. */
  bytes(): Uint8Array<ArrayBuffer>;
}

/**
 * A sink that keeps what is written. `write` copies; `bytes` returns a new array, but only after `close`.
 *
 * @example
 * const sink = memorySink();
 * await writeSafetensors(model, sink);
 * sink.bytes();
 */
export function memorySink(): MemorySink {
  let chunks: Uint8Array[] = [];
  let length = 0;
  let state: "open" | "closed" | "aborted" = "open";
  const expectState = (want: typeof state): void => {
    if (state !== want) throw new RangeError(`memory sink is ${state}, expected ${want}`);
  };
  return {
    async write(bytes) {
      expectState("open");
      chunks.push(Uint8Array.from(bytes));
      length += bytes.length;
    },
    async close() {
      expectState("open");
      state = "closed";
    },
    async abort() {
      if (state !== "open") return;
      state = "aborted";
      chunks = [];
    },
    bytes() {
      expectState("closed");
      const all = new Uint8Array(length);
      let offset = 0;
      for (const chunk of chunks) {
        all.set(chunk, offset);
        offset += chunk.length;
      }
      return all;
    },
  };
}

/** An output of several files, which appear together at the end. Several may be open at a time. */
export interface FolderSink {
  /** For messages. */
  readonly name: string;
  /** Begins the file at `path`, relative to the folder, with `/` between its parts. */
  create(path: string): Promise<ByteSink>;
  /** Whether an earlier writing that was stopped has left this file whole: then it is not written again. */
  has?(path: string): Promise<boolean>;
  /** Completes the output: only now do its files exist for others. */
  close(): Promise<void>;
  /** Gives up: nothing is left behind. Harmless after `close` and when called twice. */
  abort(): Promise<void>;
}
