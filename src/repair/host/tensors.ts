/** A model's tensors in memory, to be changed and handed to an executor again. */

import { memoryModel, type TensorData } from "../../base/memory-model.ts";
import { elementCount, type Model, type TensorInfo } from "../../base/model.ts";
import type { Graph } from "../../graph/graph.ts";
import { type FileLayout, toTensorFlowShape } from "../../graph/tensor-layout.ts";
import { tensorUses } from "../../graph/tensor-uses.ts";
import { decodeFloats, encodeFloats } from "../../kernels/float-values.ts";
import { createKernels } from "../../kernels/kernels.ts";
import type { RepairPlace } from "../places.ts";
import type { ChannelAffine } from "../repairable.ts";

/** Tensors that the graph reads as f32, in the file's layout; the bytes of the others. */
export interface HostTensors {
  readonly floats: ReadonlyMap<string, Float32Array>;
  /** Channels that a tensor has, by how the graph uses it; undefined for no tensor. */
  channelsOf(tensor: string | undefined): number | undefined;
  /** Folds what a place can take: a scale where it has a tensor for that, a shift where it has one for that. */
  fold(place: RepairPlace, affine: ChannelAffine): void;
  /** All tensors, the float ones as F32 from any dtype, so that nothing is rounded on the way. Views. */
  forExecutor(): Model;
  /** All tensors in the file's dtypes, rounded to nearest even. Copies. */
  toModel(): Model;
}

/** Reads every tensor once. Throws `RangeError` when the graph does not fit them. */
export async function readHostTensors(model: Model, graph: Graph): Promise<HostTensors> {
  const kernels = createKernels();
  const uses = tensorUses(graph, model);
  const floats = new Map<string, Float32Array>();
  const rest = new Map<string, TensorData>();
  for (const [tensor, info] of model.tensors) {
    const bytes = await model.read(tensor);
    if (uses.has(tensor))
      floats.set(tensor, decodeFloats(kernels, bytes, info.dtype, elementCount(info.shape)).slice());
    else rest.set(tensor, { ...info, data: bytes.slice() });
  }
  const channelsOf = (tensor: string): number =>
    toTensorFlowShape(uses.get(tensor)!.layout, model.tensors.get(tensor)!.shape).at(-1)!;
  const change = (tensor: string | undefined, affine: Partial<ChannelAffine>): void => {
    if (tensor !== undefined) changeChannels(floats.get(tensor)!, channelsOf(tensor), uses.get(tensor)!.layout, affine);
  };
  return {
    floats,
    channelsOf: (tensor) => (tensor === undefined ? undefined : channelsOf(tensor)),
    fold({ scaled, shifted }, { scale, shift }) {
      change(scaled, { scale });
      change(shifted, scaled === undefined ? { shift } : { scale, shift });
    },
    forExecutor: () => withFloats(model, floats, rest, f32Tensor),
    toModel: () =>
      withFloats(model, floats, rest, (values, { dtype, shape }) => ({
        dtype,
        shape,
        data: encodeFloats(kernels, values, dtype),
      })),
  };
}

const f32Tensor = (values: Float32Array, { shape }: TensorInfo): TensorData => ({
  dtype: "F32",
  shape,
  data: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
});

/** A model in the order of `like`, of float tensors as `encode` makes them and of the others as they are. */
function withFloats(
  { name, metadata, tensors: infos }: Model,
  floats: ReadonlyMap<string, Float32Array>,
  rest: ReadonlyMap<string, TensorData>,
  encode: (values: Float32Array, info: TensorInfo) => TensorData,
): Model {
  const tensors = new Map<string, TensorData>();
  for (const [tensor, info] of infos) {
    const values = floats.get(tensor);
    tensors.set(
      tensor,
      values === undefined ? { ...info, data: rest.get(tensor)!.data.slice() } : encode(values, info),
    );
  }
  return memoryModel(tensors, { name, metadata });
}

/** Multiplies, then adds, channel by channel, each step rounded to f32 as TensorFlow.js does; either may be left out. */
function changeChannels(
  values: Float32Array,
  channels: number,
  layout: FileLayout,
  { scale, shift }: Partial<ChannelAffine>,
): void {
  const step = layout === "out-in" || layout === "oihw" ? values.length / channels : 1;
  for (let at = 0; at < values.length; at++) {
    const channel = Math.floor(at / step) % channels;
    if (scale !== undefined) values[at]! *= Math.fround(scale[channel]!);
    if (shift !== undefined) values[at]! += Math.fround(shift[channel]!);
  }
}
