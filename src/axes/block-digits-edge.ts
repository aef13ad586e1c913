/** Takes the place of block-digits.ts in edge workers, which refuse specs with blocks. */

/** Never called. */
export const blockDigits = (): Int32Array => new Int32Array(0);
/** Never called. */
export function place(): void {}
