/** Axes of things that are counted: steps, epochs. */

import type { ChartAxis } from "./line-chart.ts";

/** Ticks at most: three digits each still fit beside each other on a phone. */
const MOST_TICKS = 8;

/**
 * An axis from the lowest to the highest of `values`, which are whole; its ticks are whole too. One value is in the
 * middle.
 */
export function wholeAxis(label: string, values: readonly number[]): ChartAxis {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
  if (!(low < high)) {
    const only = low === high ? low : 0;
    return { label, domain: [only - 0.5, only + 0.5], ticks: [only] };
  }
  const step = stepOf(high - low);
  const ticks: number[] = [];
  for (let tick = Math.ceil(low / step) * step; tick <= high; tick += step) ticks.push(tick);
  return { label, domain: [low, high], ticks };
}

/** The least of 1, 2, 5, 10, 20, … of which few enough fit. */
function stepOf(range: number): number {
  for (let power = 1; ; power *= 10) {
    for (const digit of [1, 2, 5]) if (range / (digit * power) < MOST_TICKS) return digit * power;
  }
}
