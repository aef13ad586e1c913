/** The files beside an ONNX file that hold its tensors (https://onnx.ai/onnx/repo-docs/ExternalData.html). */

import { describe } from "../../base/describe.ts";
import { FormatError } from "../../base/errors.ts";
import type { ByteSource } from "../../io/byte-source.ts";
import { checkInnerPath, type Files } from "../../io/files.ts";
import type { OnnxTensor } from "./onnx-tensor.ts";

/** One file a tensor, as older exporters write, makes some hundreds. */
const MAX_FILES = 10_000;

type Placed = ReadonlyMap<string, OnnxTensor>;

/**
 * Opens the files that `tensors` are in, by their paths. Rejects with `FormatError` for one that is missing, not inside
 * the folder or too short, and where two tensors overlap in part; what was opened is closed then.
 */
export async function openExternal(
  where: string,
  tensors: Placed,
  files: Files | undefined,
  signal: AbortSignal | undefined,
): Promise<Map<string, ByteSource>> {
  const sources = new Map<string, ByteSource>();
  try {
    for (const [name, { place, byteLength }] of tensors) {
      if (place.kind !== "external") continue;
      const tensor = `${where} tensor ${describe(name)}`;
      const source = sources.get(place.path) ?? (await openOne(tensor, place.path, files, signal));
      sources.set(place.path, source);
      if (sources.size > MAX_FILES)
        throw new FormatError(`${tensor} is in file ${sources.size}, expected at most ${MAX_FILES} files`);
      if (place.offset + byteLength > source.byteLength)
        throw new FormatError(
          `${tensor} is at bytes ${place.offset} to ${place.offset + byteLength} of ${describe(place.path)}, expected a place in its ${source.byteLength} bytes`,
        );
    }
    checkOverlaps(where, tensors);
    return sources;
  } catch (error) {
    for (const source of sources.values()) await source.close?.();
    throw error;
  }
}

async function openOne(
  tensor: string,
  path: string,
  files: Files | undefined,
  signal: AbortSignal | undefined,
): Promise<ByteSource> {
  checkInnerPath(path, tensor);
  const source = await files?.open(path, signal);
  if (source !== undefined) return source;
  const advice = files === undefined ? "that file too (its folder, or option files)" : "that file beside it";
  throw new FormatError(`${tensor} is in ${describe(path)}, which is not there, expected ${advice}`);
}

/** Two tensors may have the same bytes, which is how tied weights are kept, but not some of them. */
function checkOverlaps(where: string, tensors: Placed): void {
  const byFile = new Map<string, [number, number, string][]>();
  for (const [name, { place, byteLength }] of tensors) {
    if (place.kind !== "external" || byteLength === 0) continue;
    const ranges = byFile.get(place.path) ?? [];
    ranges.push([place.offset, place.offset + byteLength, name]);
    byFile.set(place.path, ranges);
  }
  for (const ranges of byFile.values()) {
    ranges.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    for (const [i, [start, end, name]] of ranges.entries()) {
      const [before, last, other] = ranges[i - 1] ?? [0, 0, ""];
      if (start < last && !(start === before && end === last))
        throw new FormatError(
          `${where} tensor ${describe(name)} has some bytes of ${describe(other)}, expected all or none`,
        );
    }
  }
}
