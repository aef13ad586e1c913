/** Folds the side file of a task into the merged model. Nothing runs: it is arithmetic on tensors. */

import { FormatError } from "../base/errors.ts";
import type { Model } from "../base/model.ts";
import { graphOf } from "../run/models/model-graph.ts";
import { withBiases } from "./added-bias.ts";
import { readHostTensors } from "./host/tensors.ts";
import { type RepairAt, repairPlaces } from "./places.ts";
import type { ChannelAffine } from "./repairable.ts";
import { isTaskAffine, TASK_AFFINE } from "./task-file.ts";

/**
 * A copy of the merged model for one task: the scales and shifts of its side file folded in, in the merged model's
 * dtypes. Where the file shifts what has no bias, one is added.
 *
 * @throws {FormatError} for a file that is no side file, or that belongs to another network.
 * @throws {RangeError} for a network of no known family.
 *
 * @example
 * const model = await applyTaskAffine(merged, await openModel("digits.safetensors"));
 */
export async function applyTaskAffine(merged: Model, side: Model): Promise<Model> {
  const at = placesOfSide(side);
  const places = repairPlaces(await graphOf(merged), at);
  const affines = await readAffines(
    side,
    places.map(({ value }) => value),
  );
  const shifts = places.some(
    ({ value, shifted }) => shifted === undefined && affines.get(value)!.shift.some((each) => each !== 0),
  );
  const model = shifts ? (await withBiases(merged, places)).model : merged;
  const graph = await graphOf(model);
  const host = await readHostTensors(model, graph);
  for (const place of repairPlaces(graph, at)) {
    const affine = affines.get(place.value)!;
    const channels = host.channelsOf(place.scaled ?? place.shifted);
    if (channels !== undefined && channels !== affine.scale.length)
      throw new FormatError(
        `${side.name} tensor ${place.value}.scale has ${affine.scale.length} channels, expected ${channels}`,
      );
    host.fold(place, affine);
  }
  return host.toModel();
}

/** Which values the side file is for. */
function placesOfSide(side: Model): RepairAt {
  if (!isTaskAffine(side))
    throw new FormatError(
      `${side.name} metadata rebasin.kind is ${side.metadata.get("rebasin.kind")}, expected ${TASK_AFFINE}`,
    );
  const at = side.metadata.get("rebasin.at");
  if (at !== "linear" && at !== "norms" && at !== "both")
    throw new FormatError(`${side.name} metadata rebasin.at is ${at}, expected linear, norms or both`);
  return at;
}

async function readAffines(side: Model, values: readonly string[]): Promise<Map<string, ChannelAffine>> {
  const read = async (name: string): Promise<Float64Array> => {
    const info = side.tensors.get(name);
    if (info?.dtype !== "F32" || info.shape.length !== 1)
      throw new FormatError(
        `${side.name} tensor ${name} is ${info === undefined ? "missing" : "of another kind"}, expected a vector of F32`,
      );
    return Float64Array.from(new Float32Array((await side.read(name)).slice().buffer));
  };
  const affines = new Map<string, ChannelAffine>();
  for (const value of values)
    affines.set(value, { scale: await read(`${value}.scale`), shift: await read(`${value}.shift`) });
  if (side.tensors.size !== 2 * values.length)
    throw new FormatError(
      `${side.name} has ${side.tensors.size} tensors, expected ${2 * values.length}: one scale and one shift for each value`,
    );
  return affines;
}
