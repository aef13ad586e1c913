/**
 * A network as its file states it: operators on named values, with the meaning of ONNX' newest operators. Importers
 * (ONNX, TensorFlow.js, Keras) make it and `inferSpec` reads it. Plain data: nothing in it runs.
 *
 * What goes beyond ONNX:
 * - `layout: "nhwc"` on `Conv`, `ConvTranspose`, pools, `Resize`, `BatchNormalization` and the other operators whose
 *   axis 1 is the channels (default "nchw"): channels come last.
 * - `filter: "hwio" | "hwim"` on `Conv` and `ConvTranspose` (default "oihw"). `hwio` means `[…, in, out]`, for
 *   `ConvTranspose` `[…, out, in]` as TensorFlow stores it; `hwim` is TensorFlow's depthwise filter
 *   `[…, in, multiplier]`.
 * - Kinds that start with `rebasin.`, where ONNX has no such operator.
 */

/** A number, text, or a list of either. Tensors among the attributes of a file become `constants`. */
export type AttributeValue = number | string | readonly number[] | readonly string[];

/**
 * A small constant whose values decide shapes or axes: integers, booleans and scalars, at most 4,096 elements, read
 * by the importer.
 */
export interface ConstantValue {
  readonly dtype: "float" | "int" | "bool";
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

/** A value that the caller gives the network. */
export interface OperatorInput {
  readonly name: string;
  readonly dtype?: string | undefined;
  /** An undefined size is unknown (batch, time); an undefined shape is of unknown rank. */
  readonly shape?: readonly (number | undefined)[] | undefined;
  /** Names of unknown sizes, one entry an axis: sizes of one name are equal. */
  readonly symbols?: readonly (string | undefined)[] | undefined;
}

/** One operator. */
export interface Operator {
  /** An ONNX operator's name, with the meaning of its newest version; those of other domains as `domain.Name`. */
  readonly kind: string;
  /** What messages call it. */
  readonly name: string;
  /** Names of values; "" is an input that is left out. */
  readonly inputs: readonly string[];
  /** Names of values; "" is an output that is left out. */
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, AttributeValue>;
  /** `If`: then_branch and else_branch; `Loop` and `Scan`: body. Bodies may read values of the graphs around them. */
  readonly bodies?: ReadonlyMap<string, OperatorGraph> | undefined;
}

/** Operators in an order in which every input exists before it is read. Names of values are unique, bodies included. */
export interface OperatorGraph {
  readonly inputs: readonly OperatorInput[];
  /** Names of values. */
  readonly outputs: readonly string[];
  /** Name of a value → name of the tensor in the `Model` that the file opens as. Two values may have one tensor (tied). */
  readonly tensors: ReadonlyMap<string, string>;
  /** Name of a value → its elements. A value may be in both maps. */
  readonly constants: ReadonlyMap<string, ConstantValue>;
  readonly operators: readonly Operator[];
  readonly producer?: string | undefined;
  readonly opset?: number | undefined;
}
