/** Options that the short help of several commands shows. */

/** Of every command that aligns two models. */
const ALIGNING = ["force", "spec", "graph", "norm-groups"];

/** Of commands that measure models between two: `curve`, `contour`. */
export const COMMON_OF_SAMPLES: readonly string[] = [
  ...["points", "csv", "svg", "html", ...ALIGNING],
  ...["permutations", "method", "input-size", "limit", "split"],
];

/** Of commands that write merges: `merge`, `many`. */
export const COMMON_OF_MERGES: readonly string[] = [
  ...["dtype", "permutations-out", ...ALIGNING],
  ...["heads", "blend", "base", "data", "repair"],
];

/** Of `match`. */
export const COMMON_OF_MATCHES: readonly string[] = [
  ...ALIGNING,
  ...["heads", "method", "starts", "only", "except", "keep-a", "data"],
];
