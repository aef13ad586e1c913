/** Shapes of a graph's values for images of some size, and what does not fit. Nothing runs. */

import type { TensorInfo } from "../base/model.ts";
import type { Graph, Operation, OperationKind } from "./graph.ts";

/** `[height, width, channels]` of images and feature maps, `[length]` of vectors; the batch is left out. */
export type ValueShape = readonly [number, number, number] | readonly [number];

/**
 * The shape of every value, by name, for images `[height, width, channels]`.
 *
 * @throws {RangeError} where an operation's input does not fit: the message names the operation, its input and what it
 * expects.
 */
export function valueShapes(
  graph: Graph,
  tensors: ReadonlyMap<string, TensorInfo>,
  images: readonly [number, number, number],
): Map<string, ValueShape> {
  if (graph.channels !== undefined && images[2] !== graph.channels)
    throw new RangeError(
      `its file takes rows of ${graph.channels} channel, expected --layout nchw or nhwc: the order of ${images[2]} in them`,
    );
  const shapes = new Map<string, ValueShape>([["input", images]]);
  for (const operation of graph.operations) {
    const inputs = operation.inputs.map((name) => {
      const shape = shapes.get(name);
      if (shape === undefined) throw new RangeError(`${operation.output} reads ${name}, expected an earlier value`);
      return shape;
    });
    if (inputs.length === 0) throw new RangeError(`${operation.output} reads no value, expected some`);
    shapes.set(operation.output, outputShape(operation, inputs, tensors));
  }
  const output = shapes.get(graph.output);
  if (output?.length !== 1)
    throw new RangeError(`${graph.output} is no vector of logits, expected the graph to end in one`);
  return shapes;
}

/** Channels of a shape: its last axis. */
export function channelsOf(shape: ValueShape): number {
  return shape.at(-1)!;
}

/** Sizes in words: `28×28×1`. */
export function formatShape(shape: ValueShape): string {
  return shape.length === 1 ? `${shape[0]} values` : shape.join("×");
}

/** The first shape that is not that of the first value, as a message shows it. */
function addedShape([first, ...others]: readonly ValueShape[]): string {
  return `${formatShape(others.find((each) => each.join() !== first!.join())!)} as it adds`;
}

function outputShape(
  { output, kind }: Operation,
  inputs: readonly ValueShape[],
  tensors: ReadonlyMap<string, TensorInfo>,
): ValueShape {
  const [input] = inputs as [ValueShape];
  const fail = (expected: string): never => {
    throw new RangeError(`${output} is given ${formatShape(input)}, expected ${expected}`);
  };
  switch (kind.op) {
    case "dense": {
      const [length, out] = denseSizes(kind, tensors);
      return input.length === 1 && input[0] === length ? [out] : fail(`${length} values as ${kind.weight} reads`);
    }
    case "conv": {
      const { input: channels } = convSizes(kind, tensors);
      return convShape(kind, input, tensors) ?? fail(`images of ${channels} channels that cover its kernel`);
    }
    case "max-pool":
      if (input.length !== 3) return fail("images");
      return poolShape(kind, input) ?? fail(`images of at least ${kind.size}×${kind.size}`);
    case "global-mean":
      return input.length === 3 ? [input[2]] : fail("images");
    case "flatten":
      return [input.reduce((product: number, size) => product * size, 1)];
    case "add":
      return inputs.every((each) => each.join() === input.join()) ? input : fail(addedShape(inputs));
    case "other":
      return fail(`to be run by the runtime of its file (${kind.kind})`);
    case "batch-norm":
    case "layer-norm": {
      const name = kind.scale ?? kind.shift ?? (kind.op === "batch-norm" ? kind.mean : undefined);
      const length = name === undefined ? channelsOf(input) : tensors.get(name)!.shape[0];
      return length === channelsOf(input) ? input : fail(`${length} channels as ${name} has`);
    }
    default:
      return input;
  }
}

function denseSizes(
  kind: Extract<OperationKind, { op: "dense" }>,
  tensors: ReadonlyMap<string, TensorInfo>,
): [input: number, output: number] {
  const [first, second] = tensors.get(kind.weight)!.shape as [number, number];
  return kind.layout === "out-in" ? [second, first] : [first, second];
}

/** Sizes of a convolution's tensor by what they are. */
export function convSizes(
  kind: Extract<OperationKind, { op: "conv" }>,
  tensors: ReadonlyMap<string, TensorInfo>,
): { height: number; width: number; input: number; output: number } {
  const [a, b, c, d] = tensors.get(kind.weight)!.shape as [number, number, number, number];
  return kind.layout === "oihw"
    ? { output: a, input: b, height: c, width: d }
    : { height: a, width: b, input: c, output: d };
}

function convShape(
  kind: Extract<OperationKind, { op: "conv" }>,
  input: ValueShape,
  tensors: ReadonlyMap<string, TensorInfo>,
): ValueShape | undefined {
  const sizes = convSizes(kind, tensors);
  if (kind.window !== undefined) throw new RangeError(`${kind.weight} is a kernel that only its file's runtime runs`);
  if (input.length !== 3 || input[2] !== sizes.input) return undefined;
  const side = (length: number, kernel: number): number =>
    kind.padding === "same"
      ? Math.ceil(length / kind.stride)
      : Math.floor((length + 2 * kind.padding - kernel) / kind.stride) + 1;
  const [height, width] = [side(input[0], sizes.height), side(input[1], sizes.width)];
  return height > 0 && width > 0 ? [height, width, sizes.output] : undefined;
}

/** True where a pool that is there to fit sizes has nothing to do. */
export function poolIsLeftOut(
  { fit }: Extract<OperationKind, { op: "max-pool" }>,
  [height, width]: readonly number[],
): boolean {
  return fit !== undefined && height! * width! <= fit;
}

function poolShape(
  kind: Extract<OperationKind, { op: "max-pool" }>,
  input: readonly [number, number, number],
): ValueShape | undefined {
  if (poolIsLeftOut(kind, input)) return input;
  const side = (length: number): number => Math.floor((length + 2 * (kind.padding ?? 0) - kind.size) / kind.stride) + 1;
  const [height, width] = [side(input[0]), side(input[1])];
  return height > 0 && width > 0 ? [height, width, input[2]] : undefined;
}
