/** An ONNX model in onnxruntime: its file with the model's tensors in it, and values of its graph as further outputs. */

import type { Model } from "../../base/model.ts";
import { type OnnxBytes, onnxBytes } from "../../formats/onnx/onnx-bytes.ts";
import type { OnnxRuntime, OnnxRuntimeTensor } from "./runtime.ts";

/** A model that runs. Dispose it. */
export interface OnnxSession {
  readonly inputs: readonly string[];
  /** Those of the file first, then the further ones. */
  readonly outputs: readonly string[];
  /** The outputs named in `keep`, by name. */
  run(inputs: ReadonlyMap<string, OnnxRuntimeTensor>, keep: readonly string[]): Promise<Map<string, OnnxRuntimeTensor>>;
  dispose(): Promise<void>;
}

/** Its errors come as exceptions, too: it need not print them. */
const FATAL = 4;

/** How a session is opened. */
export interface SessionOptions {
  readonly runtime: OnnxRuntime;
  /** Values of the model's own graph that are outputs, too. */
  readonly values?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens a model that came from an ONNX file, with its tensors as they are now. The model may be closed afterwards.
 * Operators are run as the file has them: nothing is fused, so that two models with the same units give the same
 * values.
 *
 * @throws {RangeError} for a model of another format, and with onnxruntime's reason for a file that it does not run.
 */
export async function openSession(
  model: Model,
  { runtime, values = [], signal }: SessionOptions,
): Promise<OnnxSession> {
  return sessionOf(model.name, await onnxBytes(model, values, signal), runtime);
}

/** As `openSession`, of a file that is made up already. */
export async function sessionOf(
  name: string,
  { bytes, beside }: OnnxBytes,
  runtime: OnnxRuntime,
): Promise<OnnxSession> {
  const externalData = beside.map(([path, data]) => ({ path, data }));
  const options = {
    executionProviders: ["wasm"],
    graphOptimizationLevel: "disabled",
    logSeverityLevel: FATAL,
    externalData,
  };
  const session = await told(name, () => runtime.InferenceSession.create(bytes, options));
  let isOpen = true;
  return {
    inputs: session.inputNames,
    outputs: session.outputNames,
    async run(inputs, keep) {
      const found = await told(name, () =>
        session.run(Object.fromEntries(inputs), [...keep], { logSeverityLevel: FATAL }),
      );
      return new Map(keep.map((name) => [name, found[name]!]));
    },
    async dispose() {
      if (isOpen) await session.release();
      isOpen = false;
    },
  };
}

/** The runtime's reasons are long and have paths of the machine that it was built on. */
async function told<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const message = String((cause as Error | undefined)?.message ?? cause).replace(/\s+/g, " ");
    const reason = /ERROR_MESSAGE: (.*)/.exec(message)?.[1] ?? message;
    throw new RangeError(
      `${name} does not run in onnxruntime: ${reason.replace(/\/\S*\/(\w+\.\w+)/g, "$1").slice(0, 300)}`,
      {
        cause,
      },
    );
  }
}
