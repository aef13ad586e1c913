/** Flax's files to damage. */

import * as module from "../../src/formats/flax/flax-format.ts";
import { arrayContent, chunked, ext, f32, int, map, smallFlax } from "./flax-builder.ts";
import { edited, type FuzzedFormat, type Random } from "./fuzz-files.ts";

const seeds: readonly Uint8Array[] = [smallFlax(), map({ w: f32([2], 1, 2) })];

/** A part damaged inside sound ones, whose lengths fit again. */
function structured(random: Random): Uint8Array {
  const types = ["float32", "int32", "bfloat16", "complex128", "object", "bool"];
  const content = arrayContent(types[random(types.length)]!, [2], new Uint8Array([4, 8, 2, 32, 8, 2][random(6)]!));
  const [one, two] = [f32([1], 1), f32([1], 2)];
  switch (random(4)) {
    case 0:
      return map({ params: map({ w: ext(1 + random(3), edited(content, random)), v: one }) });
    case 1:
      return map({ params: map({ w: ext(1, content) }), ema_params: edited(map({ w: one }), random) });
    case 2:
      return map({ w: chunked({ "0": edited(int(2), random) }, { "0": one, [String(random(3))]: two }) });
    default:
      return edited(seeds[random(seeds.length)]!, random);
  }
}

export const fuzzedFlax: FuzzedFormat = { file: "fuzz.msgpack", module, seeds, structured };
