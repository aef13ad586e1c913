/** Tables and numbers that several pages show. */

import type { Barrier } from "../../src/measure/barrier.ts";
import type { ReportTable } from "../../src/report/report-page.ts";
import type { SplitName } from "./lines.ts";

export const nats = (value: number): string => value.toFixed(4);
export const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;

/** Barriers in both definitions, a row for each name. */
export function barrierTable(
  caption: string,
  first: string,
  rows: readonly (readonly [name: string, barriers: Readonly<Record<SplitName, Barrier>>])[],
): ReportTable {
  return {
    caption: `${caption}: highest less the mean of the ends; chord: above the straight line between them`,
    header: [first, "train", "train, chord", "test", "test, chord"],
    rows: rows.map(([name, { train, test }]) => [
      name,
      ...[train, test].flatMap(({ maxMinusMeanEndpoints, maxAboveChord }) => [
        nats(maxMinusMeanEndpoints),
        nats(maxAboveChord),
      ]),
    ]),
  };
}
