/** Labelled images, read in batches. */

export interface Dataset {
  /** How messages call it: a folder and a split. */
  readonly name: string;
  readonly count: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** Classes its labels come from: all labels are below it. */
  readonly classes: number;
  /** One for each image. */
  readonly labels: Uint8Array;
  /**
   * Images `start` to `end` (exclusive) as `[count, height, width, channels]` floats, scaled as the network wants them.
   * A fresh copy. Throws `RangeError` outside of 0 … count.
   */
  read(start: number, end: number): Float32Array<ArrayBuffer>;
}
