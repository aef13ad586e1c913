/** Writes text to a path, whole or not at all. */

import { type FileSinkOptions, fileSink } from "./file-sink.ts";

/** As UTF-8, by the rules of `fileSink`. */
export async function saveText(text: string, path: string, options: FileSinkOptions = {}): Promise<void> {
  const sink = await fileSink(path, options);
  try {
    await sink.write(new TextEncoder().encode(text));
    await sink.close();
  } catch (error) {
    await sink.abort();
    throw error;
  }
}
