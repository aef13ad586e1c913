// Exports of both builds. Pointers are byte addresses, counts are i32, strides and offsets are in elements.
// The hand-written type of these exports is src/kernels/exports.ts.

export * from "./assign";
export * from "./blend";
export * from "./convert";
export * from "./convert-wide";
export * from "./dot-indexed";
export * from "./finite";
export * from "./gather";
export * from "./gemm";
export * from "./stats";

/** First byte above the static data; the arena on the other side starts here. */
export function heapBase(): usize {
  return __heap_base;
}

/** Whether this is the SIMD build: from outside, only a call can tell. */
export function isSimd(): bool {
  return ASC_FEATURE_SIMD;
}
