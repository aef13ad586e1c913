// Exports of the extra builds: what only repairs by data, blends and archives need, so that matching does not load it. Pointers are
// byte addresses, counts are i32, strides are in elements. The hand-written type is src/kernels/extra-exports.ts.

export * from "./cholesky";
export * from "./crc32";
export * from "./gram";
export * from "./product";
export * from "./residual";
export * from "./unfold";

/** First byte above the static data; the arena on the other side starts here. */
export function heapBase(): usize {
  return __heap_base;
}

/** Whether this is the SIMD build: from outside, only a call can tell. */
export function isSimd(): bool {
  return ASC_FEATURE_SIMD;
}
