/** Replaces the types of an optional peer, which is not installed here: `OnnxRuntime` lists what is used of it. */
declare module "onnxruntime-web" {
  export const InferenceSession: unknown;
}
