/** The registry of formats. An entry costs little; what opens and writes a format is loaded with the first file of it. */

import type { Format } from "./format.ts";
import { looksLikeSafetensors } from "./safetensors/looks-like-safetensors.ts";

const safetensors: Format = {
  name: "safetensors",
  title: "safetensors",
  endings: [".safetensors"],
  inFolder: "model.safetensors",
  fresh: true,
  keepsMetadata: true,
  recognises: looksLikeSafetensors,
  load: () => import("./safetensors/safetensors-format.ts"),
};

/** Every format, in the order in which they are asked. */
export const FORMATS: readonly Format[] = [safetensors];

/** The format of that name. Throws `RangeError` for an unknown one. */
export function formatNamed(name: string): Format {
  const found = FORMATS.find((format) => format.name === name);
  if (found !== undefined) return found;
  throw new RangeError(`format ${name}, expected one of ${FORMATS.map((format) => format.name).join(", ")}`);
}
