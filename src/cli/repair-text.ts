/** What a repair did, for people. */

import { visible } from "../base/visible.ts";
import type { RepairReport } from "../repair/report.ts";

/** The report for people. */
export function repairText({
  kind,
  images,
  places,
  operations,
  unshifted,
  addedBiases,
  temperature,
  leftOut = [],
}: RepairReport): string {
  const counts = [
    kind === "least-squares" ? `${operations.length} operations` : `${places.length} places`,
    `${images} images`,
  ];
  if (kind === "repair" || kind === "rescale") {
    const [least, most] = [
      Math.min(...places.map(({ scale }) => scale[0])),
      Math.max(...places.map(({ scale }) => scale[2])),
    ];
    counts.push(`scales ${least.toPrecision(3)} to ${most.toPrecision(3)}`);
  }
  const last = operations.at(-1);
  if (last !== undefined)
    counts.push(`error of ${last.value} ${last.before.toPrecision(3)} before, ${last.after.toPrecision(3)} after`);
  const dead = places.reduce((sum, place) => sum + place.dead, 0);
  if (dead > 0) counts.push(`${dead} channels that never change`);
  const lines = [`repaired   ${kind}, ${counts.join(", ")}`];
  if (temperature !== undefined) lines.push(`tempered   logits divided by ${temperature.toPrecision(3)}`);
  if (addedBiases.length > 0) lines.push(`added      ${addedBiases.length} biases`);
  if (unshifted.length > 0)
    lines.push(
      `unshifted  ${unshifted.length} places have no bias (--add-bias adds one): ${visible(unshifted.join(", "))}`,
    );
  if (leftOut.length > 0) lines.push(`left       ${visible(leftOut.join("; "))}`);
  return lines.join("\n");
}
