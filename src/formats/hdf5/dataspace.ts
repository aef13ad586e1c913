/** The shape of a dataset or an attribute. */

import type { Hdf5Part } from "./hdf5-bytes.ts";

const MAX_AXES = 32;

/** Reads a dataspace message: a shape; undefined for one without elements or a shape ("null"). */
export function readDataspace(part: Hdf5Part): readonly number[] | undefined {
  const version = part.version(1, 2);
  const axes = part.u8();
  part.skip(1);
  const kind = part.u8();
  if (version === 1) part.skip(4);
  if (axes > MAX_AXES) throw part.fault(`has ${axes} axes, expected at most ${MAX_AXES}`);
  if (version === 2 && kind === 2) return undefined;
  return Array.from({ length: axes }, () => part.length());
}
