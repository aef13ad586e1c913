/** Checkpoints that are nearly a table's: quantised ones, and networks that hold a known one. Each is refused. */

import { describeTensor } from "../../base/compare-tensors.ts";
import { SpecError } from "../../base/errors.ts";
import type { Tensors } from "../modules.ts";
import { hasSigns, type Table } from "./table.ts";

/** Ends of names that belong to a matrix in few bits: GPTQ, AWQ, MLX, bitsandbytes, FP8 with scales. */
const PARTS_OF_QUANTISED =
  /(?:^|[._])(?:qweight|qzeros|g_idx|scales|weight_scale(?:_inv)?|weight_packed|SCB|quant_map|absmax|quant_state\..*)$/;

/** Parts of a network that are tried, so that many names take bounded time. */
const MAX_PREFIXES = 8;

/** Throws `SpecError` for weights in few bits: an average of their codes means nothing. */
export function refuseQuantised(tensors: Tensors): void {
  for (const [name, info] of tensors) {
    if (PARTS_OF_QUANTISED.test(name))
      throw new SpecError(
        `${name} is ${describeTensor(info)}, a part of a quantised matrix, expected weights as floating-point numbers: ` +
          "take the checkpoint that it was made from",
      );
  }
}

/** Throws `SpecError` where a table knows a part of the network, such as the language model beside a vision tower. */
export function refuseWhole(tables: readonly Table[], names: readonly string[]): void {
  for (const prefix of prefixesOf(names)) {
    const behind = names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
    const table = tables.find((each) => hasSigns(each, behind));
    if (table === undefined) continue;
    throw new SpecError(
      `model holds ${table.name} in the ${behind.length} tensors ${prefix}… and ${names.length - behind.length} others, expected ` +
        `the network of one table: --prefix ${prefix} takes that part alone; for the whole, pass its ONNX export (--graph)`,
    );
  }
}

/** `language_model.`, `vlm.lang_model.`: beginnings without a number that several names share. */
function prefixesOf(names: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const name of names) {
    const words = name.split(".");
    for (let depth = 1; depth <= 3 && depth < words.length && !/\d/.test(words[depth - 1]!); depth++) {
      const prefix = `${words.slice(0, depth).join(".")}.`;
      counts.set(prefix, (counts.get(prefix) ?? 0) + 1);
    }
  }
  return [...counts]
    .filter(([, count]) => count > 1 && count < names.length)
    .sort(([, a], [, b]) => b - a)
    .slice(0, MAX_PREFIXES)
    .map(([prefix]) => prefix);
}
