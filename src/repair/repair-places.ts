/** The loop of REPAIR: place by place, measure what the earlier repairs left, then scale and shift to the target. */

import type { Dataset } from "../data/dataset.ts";
import type { BatchOptions } from "../run/image-batches.ts";
import type { ChannelStatistics } from "./channel-statistics.ts";
import type { RepairPlace } from "./places.ts";
import type { ChannelAffine, Repairable } from "./repairable.ts";

/** What is matched to the target: deviation and mean, or one of them. */
export type AffineKind = "repair" | "rescale" | "reshift";

export interface PlacesOptions extends BatchOptions {
  readonly kind: AffineKind;
}

/** One place after its repair. */
export interface RepairedPlace extends RepairPlace {
  readonly affine: ChannelAffine;
  /** Channels that never change in the merged model: no scale brings them back. */
  readonly dead: number;
}

/** Repairs `places` in order, in the network itself. `targets` by value. */
export async function repairInOrder(
  network: Repairable,
  data: Dataset,
  places: readonly RepairPlace[],
  targets: ReadonlyMap<string, ChannelStatistics>,
  options: PlacesOptions,
): Promise<RepairedPlace[]> {
  const repaired: RepairedPlace[] = [];
  const walk = network.walk(data, options);
  try {
    for (const [i, place] of places.entries()) {
      const measured = await walk.measure(place.value, (done) => options.onImages?.(i * data.count + done));
      const affine = affineOf(options.kind, measured, targets.get(place.value)!, place);
      network.fold(place, affine);
      walk.change(affine);
      const dead = measured.deviation.reduce((count, each) => count + (each === 0 ? 1 : 0), 0);
      repaired.push({ ...place, affine, dead });
    }
  } finally {
    walk.dispose();
  }
  return repaired;
}

/** What brings `measured` to `target`, as far as the place can take it; a dead channel keeps its scale. */
function affineOf(
  kind: AffineKind,
  measured: ChannelStatistics,
  target: ChannelStatistics,
  { scaled, shifted }: RepairPlace,
): ChannelAffine {
  const scale = measured.deviation.map((each, i) =>
    kind === "reshift" || scaled === undefined || each === 0 ? 1 : target.deviation[i]! / each,
  );
  const shift = scale.map((each, i) =>
    kind === "rescale" || shifted === undefined ? 0 : target.mean[i]! - each * measured.mean[i]!,
  );
  return { scale, shift };
}

/** Means and deviations of several networks, each with its share. */
export function blendStatistics(
  parts: readonly ReadonlyMap<string, ChannelStatistics>[],
  weights: readonly number[],
): Map<string, ChannelStatistics> {
  const blend = (values: readonly Float64Array[]): Float64Array =>
    values[0]!.map((first, i) => {
      if (values.every((each) => each[i] === first)) return first;
      return values.reduce((sum, each, k) => sum + weights[k]! * each[i]!, 0);
    });
  return new Map(
    [...parts[0]!.keys()].map((value) => {
      const all = parts.map((part) => part.get(value)!);
      return [
        value,
        { mean: blend(all.map(({ mean }) => mean)), deviation: blend(all.map(({ deviation }) => deviation)) },
      ];
    }),
  );
}
