/** A model's file and files beside it as one output: they take their names together, the model's own last. */

import { dirname, join } from "node:path";
import { checkInnerPath } from "../io/files.ts";
import type { ByteSink } from "../io/sink.ts";
import { type FileSinkOptions, fileSink } from "./file-sink.ts";

/** The output of one file that may turn out to be several. */
export interface FileGroup {
  /** The file itself. To close it closes all, to abort it aborts all. */
  readonly sink: ByteSink;
  /** Begins a file beside it. A file beside an input is never the target, even with `force`. */
  create(path: string): Promise<ByteSink>;
}

/** Begins the file at `path`. Rejects as `fileSink` does, here and in `create`. */
export async function fileGroup(path: string, { force, inputs = [] }: FileSinkOptions): Promise<FileGroup> {
  const main = await fileSink(path, { force, inputs });
  const beside: ByteSink[] = [];
  return {
    sink: {
      write: (bytes) => main.write(bytes),
      async close() {
        for (const sink of beside) await sink.close();
        await main.close();
      },
      async abort() {
        for (const sink of [...beside, main]) await sink.abort();
      },
    },
    async create(inside) {
      checkInnerPath(inside, path);
      const others = inputs.flatMap((input) => [join(dirname(input), inside), join(input, inside)]);
      const sink = await fileSink(join(dirname(path), inside), { force, inputs: [...inputs, ...others] });
      beside.push(sink);
      // It waits for the model's own file.
      return { write: (bytes) => sink.write(bytes), close: async () => {}, abort: () => sink.abort() };
    },
  };
}
