/** Opens ONNX models. */

import { describe } from "../../base/describe.ts";
import type { BytePart, Model, TensorInfo } from "../../base/model.ts";
import type { ByteSource } from "../../io/byte-source.ts";
import type { Files } from "../../io/files.ts";
import { openExternal } from "./external-data.ts";
import { type OnnxIndex, readOnnxIndex } from "./onnx-graph.ts";
import type { OnnxTensor } from "./onnx-tensor.ts";
import { readNumbers } from "./onnx-values.ts";
import { protoFile } from "./protobuf.ts";
import { tensorUses } from "./tensor-uses.ts";

export interface OnnxOptions {
  readonly signal?: AbortSignal | undefined;
}

/** What a model remembers of its file, for writing into a copy of it. */
export interface OnnxContainer extends OnnxIndex {
  readonly source: ByteSource;
  /** Files beside it, by their paths. */
  readonly external: ReadonlyMap<string, ByteSource>;
}

/**
 * Opens an ONNX model: reads everything but the tensors' bytes. Tensors are initialisers and the values of `Constant`
 * nodes, under their names in the graph. Those of branches, loops and functions have the names of node and attribute
 * before them. What a tensor is to the graph is in `TensorInfo.use`. `read` returns a *view* where the source does and
 * the bytes are stored as they are, else a copy.
 *
 * @throws {FormatError} naming the file and the byte or the tensor: for what is malformed, and for data that is not
 * there
 *
 * @example
 * const model = await openOnnx(bytesSource(bytes, "model.onnx"), undefined);
 */
export async function openOnnx(
  source: ByteSource,
  files: Files | undefined,
  { signal }: OnnxOptions = {},
): Promise<Model> {
  const { name } = source;
  const index = await readOnnxIndex(protoFile(source, signal));
  const external = await openExternal(name, index.tensors, files, signal);
  const container: OnnxContainer = { ...index, source, external };
  const uses = tensorUses(index);
  return {
    name,
    tensors: new Map(
      Array.from(index.tensors, ([tensor, { dtype, shape }]): [string, TensorInfo] => [
        tensor,
        { dtype, shape, use: uses.get(tensor) },
      ]),
    ),
    metadata: index.metadata,
    origin: { format: "onnx", details: detailsOf(container), container },
    async read(tensor, readSignal, _into, part) {
      const placed = index.tensors.get(tensor);
      if (placed === undefined)
        throw new RangeError(`${name} has no tensor ${describe(tensor)}, expected one of its names`);
      return readPlaced(container, placed, readSignal, part);
    },
    async close() {
      for (const beside of external.values()) await beside.close?.();
      await source.close?.();
    },
  };
}

/** A tensor's bytes: a view or a copy; only `part` of them, unless they are numbers in protobuf's encoding. */
export async function readPlaced(
  { source, external }: OnnxContainer,
  tensor: OnnxTensor,
  signal?: AbortSignal,
  part: BytePart = [0, tensor.byteLength],
): Promise<Uint8Array> {
  const { place } = tensor;
  if (place.kind === "numbers") return readNumbers(protoFile(source, signal), tensor, place);
  const from = place.kind === "raw" ? source : external.get(place.path)!;
  return from.slice(place.offset + part[0], place.offset + part[1], signal);
}

/** Files that hold tensors are listed up to that many. */
const MOST_LISTED = 4;

function detailsOf({ facts, opsets, operators, leftOut, external }: OnnxContainer): [string, string][] {
  const producer = [facts.get("producer"), facts.get("producer version")].filter(Boolean).join(" ");
  const opset = [...opsets].map(([domain, version]) => (domain === "" ? version : `${domain} ${version}`));
  const counts = [...operators]
    .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
    .map(([name, count]) => `${name} ${count}`);
  const files = [...external.keys()];
  const beside = files.length > MOST_LISTED ? `${files.length} files` : files.join(", ");
  const details: [string, string][] = [
    ["producer", producer],
    ["opset", opset.join(", ")],
    ["IR version", facts.get("IR version") ?? ""],
    ["operators", counts.join(", ")],
    ["data in", beside],
    ["left as is", leftOut.map(({ name, what }) => `${name} (${what})`).join(", ")],
  ];
  return details.filter(([, text]) => text !== "");
}
