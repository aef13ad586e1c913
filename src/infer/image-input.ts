/** Which input of a graph takes the images, and in which order of axes. */

import type { OperatorGraph, OperatorInput } from "../graph/operators.ts";

/** Channels before positions, or after them. */
export type ImageLayout = "nchw" | "nhwc";

/** What the user states of the input; what is left out follows from the graph. */
export interface ImageChoice {
  /** Name of the input that takes the images. */
  readonly input?: string | undefined;
  readonly layout?: ImageLayout | undefined;
}

/** The input that takes the images. */
export interface ImageInput {
  readonly name: string;
  /** 4: images; 2: the values of each image in one row. */
  readonly rank: 2 | 4;
  /** Undefined: rows of images of one channel, which are the same in both orders. */
  readonly layout: ImageLayout | undefined;
  readonly dtype: string;
  /** Undefined sizes are open. */
  readonly shape: readonly (number | undefined)[];
}

/** Types of inputs that images are handed over in. */
const FLOATS: readonly string[] = ["F32", "F64"];
/** Images have that many channels at most; feature maps have more. */
const MOST_CHANNELS = 4;

/**
 * The one 4-D float input, or the one that `choice` names. Channels are where the size is that of channels, or where
 * the operators that read it have them. Throws `RangeError` where nothing shows it.
 */
export function imageInput(model: string, graph: OperatorGraph, choice: ImageChoice): ImageInput {
  const inputs = graph.inputs.filter(({ name }) => !graph.tensors.has(name));
  const found = chosen(model, inputs, choice);
  const others = inputs.filter((input) => input !== found);
  if (others.length > 0)
    throw new RangeError(
      `${model} also has ${others.length === 1 ? "input" : "inputs"} ${others.map(({ name }) => name).join(", ")}, expected a network of images alone: export it with constants in their place`,
    );
  const { name, dtype = "F32", shape } = found;
  const rank = shape?.length;
  if (!FLOATS.includes(dtype) || (rank !== 2 && rank !== 4))
    throw new RangeError(
      `${model} input ${name} is ${describeInput(found)}, expected 32-bit floats, [batch, channels, height, width] or one row an image`,
    );
  const layout = choice.layout ?? (rank === 4 ? layoutOf(model, graph, found) : undefined);
  return { name, rank, layout, dtype, shape: shape! };
}

function chosen(model: string, inputs: readonly OperatorInput[], { input }: ImageChoice): OperatorInput {
  const names = inputs.map(({ name }) => name).join(", ") || "none";
  if (input !== undefined) {
    const found = inputs.find(({ name }) => name === input);
    if (found === undefined) throw new RangeError(`${model} has no input ${input}, expected one of ${names}`);
    return found;
  }
  const images = inputs.filter(({ dtype = "F32", shape }) => FLOATS.includes(dtype) && shape?.length === 4);
  const [first] = images.length > 0 ? images : inputs;
  if (first === undefined || (images.length !== 1 && inputs.length !== 1))
    throw new RangeError(`${model} has inputs ${names}, expected one that takes images: name it by --input`);
  return first;
}

function describeInput({ dtype = "of unknown type", shape }: OperatorInput): string {
  return shape === undefined
    ? `${dtype} of unknown shape`
    : `${dtype} [${shape.map((size) => size ?? "?").join(", ")}]`;
}

function layoutOf(model: string, { operators }: OperatorGraph, { name, shape }: OperatorInput): ImageLayout {
  const isFew = (size: number | undefined): boolean => size !== undefined && size <= MOST_CHANNELS;
  const [first, last] = [isFew(shape![1]), isFew(shape![3])];
  if (first !== last && (shape![first ? 3 : 1] ?? 0) > MOST_CHANNELS) return first ? "nchw" : "nhwc";
  const readers = operators.filter(({ inputs }) => inputs.includes(name));
  if (readers.length > 0 && readers.every(({ kind, inputs }) => kind === "Conv" && inputs[0] === name)) return "nchw";
  if (readers.length > 0 && readers.every(({ kind, attributes }) => kind === "Transpose" && toFirst(attributes)))
    return "nhwc";
  if (first !== last) return first ? "nchw" : "nhwc";
  throw new RangeError(
    `${model} input ${name} is ${describeInput({ name, shape, dtype: "images" })}, where nothing shows the channels, expected --layout nchw or nhwc`,
  );
}

const toFirst = (attributes: ReadonlyMap<string, unknown>): boolean => String(attributes.get("perm")) === "0,3,1,2";
