/** An ONNX model as bytes that a runtime loads. */

import { joinBytes } from "../../base/join-bytes.ts";
import type { Model } from "../../base/model.ts";
import { type ByteSink, type MemorySink, memorySink } from "../../io/sink.ts";
import type { OnnxContainer } from "./open-onnx.ts";
import { BYTES, varintOf } from "./protobuf.ts";
import { writeIntoOnnx } from "./write-onnx.ts";

/** The file, and those beside it by their paths. */
export interface OnnxBytes {
  readonly bytes: Uint8Array;
  readonly beside: readonly (readonly [path: string, bytes: Uint8Array])[];
}

/** Fields of ModelProto, GraphProto and ValueInfoProto. */
const [MODEL_GRAPH, GRAPH_OUTPUT, VALUE_NAME] = [7, 12, 1];

/**
 * The model's file with its tensors as they are now, and `values` of its graph as further outputs: those that are no
 * outputs yet. Throws `RangeError` for a model that came from no ONNX file.
 */
export async function onnxBytes(
  model: Model,
  values: readonly string[],
  signal: AbortSignal | undefined,
): Promise<OnnxBytes> {
  const container = containerOf(model);
  const outputs = graphWithOutputs(values);
  const sink = roomSink(container.source.byteLength + outputs.length);
  const beside = new Map<string, MemorySink>();
  const create = async (path: string): Promise<MemorySink> => {
    const file = memorySink();
    beside.set(path, file);
    return file;
  };
  await writeIntoOnnx(container, model, sink, { signal, create });
  await sink.write(outputs);
  return { bytes: sink.bytes(), beside: [...beside].map(([path, file]) => [path, file.bytes()] as const) };
}

/** What a model remembers of its ONNX file. Throws `RangeError` for a model that came from none. */
function containerOf({ name, origin }: Pick<Model, "name" | "origin">): OnnxContainer {
  if (origin?.format === "onnx") return origin.container as OnnxContainer;
  throw new RangeError(`${name} came from no ONNX file, expected one for running it in onnxruntime`);
}

/** The file with further outputs. A copy, but for none. */
export function withOutputs({ bytes, beside }: OnnxBytes, values: readonly string[]): OnnxBytes {
  return values.length === 0 ? { bytes, beside } : { bytes: joinBytes([bytes, graphWithOutputs(values)]), beside };
}

/** Names of values that nodes of the file's own graph make, which alone can be outputs. Throws as `onnxBytes` does. */
export function fileValues(model: Pick<Model, "name" | "origin">): Set<string> {
  const own = containerOf(model).graphs.find(({ scope, parent }) => scope === "" && parent === undefined)!;
  return new Set(own.nodes.flatMap(({ outputs }) => outputs).filter((name) => name !== ""));
}

/** A sink with room for what will most likely come: models are large, and chunks would be there twice in the end. */
function roomSink(room: number): ByteSink & Pick<MemorySink, "bytes"> {
  let bytes = new Uint8Array(room);
  let length = 0;
  return {
    async write(part) {
      if (length + part.length > bytes.length) {
        const larger = new Uint8Array(Math.max(length + part.length, Math.ceil(bytes.length * 1.1)));
        larger.set(bytes.subarray(0, length));
        bytes = larger;
      }
      bytes.set(part, length);
      length += part.length;
    },
    close: async () => undefined,
    abort: async () => undefined,
    bytes: () => bytes.subarray(0, length),
  };
}

/** A second field `graph` is merged with the first, as all messages are that are there twice: outputs are added. */
function graphWithOutputs(values: readonly string[]): Uint8Array {
  if (values.length === 0) return new Uint8Array(0);
  const encoder = new TextEncoder();
  return field(MODEL_GRAPH, ...values.map((name) => field(GRAPH_OUTPUT, field(VALUE_NAME, encoder.encode(name)))));
}

function field(number: number, ...content: readonly Uint8Array[]): Uint8Array {
  const length = content.reduce((sum, part) => sum + part.length, 0);
  return joinBytes([varintOf(8 * number + BYTES), varintOf(length), ...content]);
}
