/** Moves of rows and columns that the convolution gradients share. All on `[batch, height, width, channels]`. */

import * as tf from "@tensorflow/tfjs-core";

/** Rows (or columns) before and after: zeros to add where positive, rows to take away where negative. */
export type Margins = readonly [before: number, after: number];

/** Adds zeros or crops, on every side on its own. The tensor itself where there is nothing to do. */
export function fitPlane(x: tf.Tensor4D, rows: Margins, columns: Margins): tf.Tensor4D {
  const margins: Margins[] = [[0, 0], rows, columns, [0, 0]];
  let y = x;
  if (margins.some(([before, after]) => before < 0 || after < 0)) {
    const begin = margins.map(([before]) => Math.max(0, -before)) as [number, number, number, number];
    const size = y.shape.map((length, i) => length - begin[i]! - Math.max(0, -margins[i]![1])) as typeof begin;
    y = tf.slice(y, begin, size);
  }
  if (margins.some(([before, after]) => before > 0 || after > 0))
    y = tf.pad(
      y,
      margins.map(([before, after]) => [Math.max(0, before), Math.max(0, after)] as [number, number]),
    );
  return y;
}

/**
 * Every row followed by `strideHeight − 1` rows of zeros, every column by `strideWidth − 1`: what a strided
 * convolution's output is to its input. Two flat pads, which copy whole rows.
 */
export function spread(x: tf.Tensor4D, strideHeight: number, strideWidth: number): tf.Tensor4D {
  const [batch, height, width, channels] = x.shape;
  let flat: tf.Tensor = x;
  if (strideWidth > 1) {
    flat = tf.reshape(flat, [batch * height * width, channels]);
    flat = tf.pad(flat, [
      [0, 0],
      [0, (strideWidth - 1) * channels],
    ]);
  }
  if (strideHeight > 1) {
    const row = width * strideWidth * channels;
    flat = tf.reshape(flat, [batch * height, row]);
    flat = tf.pad(flat, [
      [0, 0],
      [0, (strideHeight - 1) * row],
    ]);
  }
  return tf.reshape(flat, [batch, height * strideHeight, width * strideWidth, channels]);
}

/** What the gradients of a convolution's input need to know of one axis. */
export interface ConvAxis {
  /** Of the input. */
  readonly size: number;
  readonly taps: number;
  /** Zeros the convolution added before the first row. */
  readonly pad: number;
  readonly dilation: number;
}

/**
 * Margins with which the spread output (`length` rows) gives `size` rows under a valid convolution with the reversed
 * taps. A padding beyond the filter's reach makes them negative: those outputs saw zeros only.
 */
export function fullMargins({ size, taps, pad, dilation }: ConvAxis, length: number): Margins {
  const reach = (taps - 1) * dilation;
  const before = reach - pad;
  return [before, size + reach - before - length];
}
