/** Passes over images that are reported as one long one. */

import type { OnProgress } from "../base/progress.ts";

export interface Passes {
  /** So many images more will be run. */
  expect(images: number): void;
  /** Progress of the next pass, over so many images. */
  next(images: number): (done: number) => void;
}

export function countedPasses(onProgress: OnProgress | undefined): Passes {
  let [before, total] = [0, 0];
  return {
    expect(images) {
      total += images;
    },
    next(images) {
      const base = before;
      before += images;
      return (done) => onProgress?.({ stage: "repair", done: base + done, total });
    },
  };
}
