/** TensorFlow.js is an optional peer: the message when it is not installed. Imports nothing of it. */

/** What installs it. */
export const INSTALL_PEERS = "npm install @tensorflow/tfjs-core @tensorflow/tfjs-backend-wasm";

/**
 * Loads a module that needs TensorFlow.js, by a dynamic import. Rejects with an `Error` of one line that names the
 * package to install if it is missing, and with what loading throws otherwise.
 *
 * @example
 * const { evaluateModel } = await withTensorFlow(() => import("./tfjs/evaluate.ts"));
 */
export async function withTensorFlow<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    if (!isMissingPeer(cause)) throw cause;
    throw new Error(`TensorFlow.js is not installed, expected it for running networks: ${INSTALL_PEERS}`, { cause });
  }
}

/** Node, Deno, Bun and bundlers all name the module that they did not find. */
function isMissingPeer(error: unknown): boolean {
  const { message } = Object(error) as { message?: unknown };
  return (
    typeof message === "string" &&
    message.includes("@tensorflow/") &&
    /cannot find|could not|not find|unable|resolve|not a dependency/i.test(message)
  );
}
