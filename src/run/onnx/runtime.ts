/** onnxruntime-web as an optional peer: what is used of it, and what to install when it is not there. */

/** A value on its way in or out of a session. */
export interface OnnxRuntimeTensor {
  /** "float32", "int64", "bool", … */
  readonly type: string;
  readonly dims: readonly number[];
  /** Row-major; `BigInt64Array` for int64, `Uint8Array` for bool. */
  readonly data: unknown;
}

/** What is used of `onnxruntime-web`, or of `onnxruntime-node`, which has the same names. */
export interface OnnxRuntime {
  readonly InferenceSession: {
    /** Reads a model and prepares it to run. */
    create(model: Uint8Array, options?: object): Promise<OnnxRuntimeSession>;
  };
  readonly Tensor: new (type: never, data: never, dims: readonly number[]) => OnnxRuntimeTensor;
  readonly env: { logLevel?: unknown; readonly wasm: { numThreads?: number | undefined } };
}

/** A session of it. */
export interface OnnxRuntimeSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /** Runs the model on `feeds`, for the values named in `fetches`. */
  // biome-ignore lint/suspicious/noExplicitAny: its own types are not there
  run(feeds: any, fetches: any, options?: object): Promise<Readonly<Record<string, OnnxRuntimeTensor>>>;
  /** Frees its memory. */
  release(): Promise<void>;
}

/** What installs it. */
export const INSTALL_ONNX = "npm install onnxruntime-web";

/**
 * Loads `onnxruntime-web`, to compute with one thread. Rejects with an `Error` of one line that names the package to
 * install if it is missing.
 */
export async function loadOnnxRuntime(): Promise<OnnxRuntime> {
  try {
    const runtime = (await import("onnxruntime-web")) as unknown as OnnxRuntime;
    // More would need shared memory in pages, and processes of Node would wait for them at the end.
    runtime.env.wasm.numThreads = 1;
    runtime.env.logLevel = "error";
    return runtime;
  } catch (cause) {
    const { message } = Object(cause) as { message?: unknown };
    if (!String(message).includes("onnxruntime-web")) throw cause;
    throw new Error(`onnxruntime-web is not installed, expected it for running ONNX models: ${INSTALL_ONNX}`, {
      cause,
    });
  }
}
