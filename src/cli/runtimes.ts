/** What commands that run models need installed. */

/**
 * Before any work: names the packages to install, where TensorFlow.js is missing. What an ONNX network needs shows when
 * it is opened.
 */
export async function checkRuntime(paths: readonly string[]): Promise<void> {
  if (paths.some((path) => /\.onnx$/i.test(path))) return;
  const { executorOf } = await import("../run/models/default-executor.ts");
  await executorOf(undefined);
}
