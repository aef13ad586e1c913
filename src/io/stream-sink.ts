/** A `WritableStream` as a sink: a response's body, a file of the page's own file system. */

import type { ByteSink } from "./sink.ts";

/**
 * Writes to `stream`, which it locks until it is closed or aborted. Each write waits until the stream has taken the
 * bytes.
 */
export function streamSink(stream: WritableStream<Uint8Array>): ByteSink {
  const writer = stream.getWriter();
  return {
    write: (bytes) => writer.write(bytes),
    close: () => writer.close(),
    abort: () => writer.abort(),
  };
}
