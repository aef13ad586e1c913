/** Sizes for what a file leaves open, as [batch, every other size], in the order in which they are tried. */

export const OPEN_SIZES: readonly (readonly [batch: number, free: number])[] = [2, 1].flatMap((batch) =>
  [16, 64, 224, 512, 1024, 1].map((free) => [batch, free] as const),
);
