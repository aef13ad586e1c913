/** Progress that is not passed on too often. */

const PROGRESS_MS = 500;
/** Passes on at most one call in half a second. */
export function throttled(pass: (progress: unknown) => void): (progress: unknown) => void {
  let last = Number.NEGATIVE_INFINITY;
  return (progress) => {
    if (performance.now() - last < PROGRESS_MS) return;
    last = performance.now();
    pass(progress);
  };
}
