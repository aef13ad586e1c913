/** ONNX files to damage. */

import * as module from "../../src/formats/onnx/onnx-format.ts";
import { edited, type FuzzedFormat, type Random } from "./fuzz-files.ts";
import {
  attribute,
  constant,
  external,
  floats,
  graph,
  node,
  onnxFile,
  part,
  raw,
  smallOnnx,
  tensor,
  whole,
  wholes,
} from "./onnx-builder.ts";

const seeds: readonly Uint8Array[] = [smallOnnx()];
/** Its data is not there: refused, whatever is changed. */
const BESIDE = tensor("e", 1, [1], external({ location: "a.data", offset: "0" }));

/** A message damaged inside sound ones, whose lengths fit again. */
function structured(random: Random): Uint8Array {
  const weight = tensor("w", [1, 6, 7, 10, 16, 22][random(6)]!, [2], raw(floats(1, 2)));
  const numbers = tensor("n", [5, 6, 9, 10][random(4)]!, [3], wholes(5, [1, 0, 1], random(2) === 0));
  switch (random(6)) {
    case 0:
      return onnxFile(graph([], [edited(weight, random), numbers]));
    case 1:
      return onnxFile(graph([], [weight, edited(numbers, random)]));
    case 2:
      return onnxFile(
        graph([edited(node("Gemm", ["x", "w"], ["y"], [attribute("transB", whole(3, 1))]), random)], [weight]),
      );
    case 3:
      return onnxFile(graph([constant("c", edited(attribute("value", part(5, weight)), random))]));
    case 4:
      return onnxFile(graph([], [edited(BESIDE, random)]));
    default:
      return edited(seeds[0]!, random);
  }
}

export const fuzzedOnnx: FuzzedFormat = { file: "fuzz.onnx", module, seeds, structured };
