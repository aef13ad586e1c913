/**
 * What a model computes, as a list of operations on named tensors: made from a family's names here, and by readers of
 * files that contain a graph. Plain data: nothing in it runs.
 */

/** One operation. `inputs` and `output` name values; tensors are named as in the model's file. */
export interface Operation {
  /** The value it makes, unique in the graph. */
  readonly output: string;
  /** Values it reads: "input" (the images, `[batch, height, width, channels]`) or the output of an earlier operation. */
  readonly inputs: readonly string[];
  readonly kind: OperationKind;
}

/** Order of a dense tensor's axes, or of a convolution's: PyTorch's or that of TensorFlow and Flax. */
export type DenseLayout = "out-in" | "in-out";
/** Order of the axes of a convolution's tensor. */
export type ConvLayout = "oihw" | "hwio";

/**
 * max(0, x); x·Φ(x) with the normal distribution's Φ by erf (GELU, Hendrycks and Gimpel 2016); tanh x; x·σ(x)
 * (SiLU, swish).
 */
export type Activation = "relu" | "gelu" | "tanh" | "silu";

/** Images and feature maps are channels-last inside; the layouts describe how the file stores its tensors. */
export type OperationKind =
  | { readonly op: "dense"; readonly weight: string; readonly bias?: string | undefined; readonly layout: DenseLayout }
  | {
      readonly op: "conv";
      readonly weight: string;
      readonly bias?: string | undefined;
      readonly layout: ConvLayout;
      readonly stride: number;
      /** Zeros added on every side, as PyTorch does; "same" pads at the end as TensorFlow does. */
      readonly padding: number | "same";
      /** Of a file's graph, where `stride` and `padding` do not describe it: it counts in their place. */
      readonly window?: ConvWindow | undefined;
    }
  | {
      readonly op: "batch-norm";
      readonly scale?: string | undefined;
      readonly shift?: string | undefined;
      readonly mean: string;
      readonly variance: string;
      readonly epsilon: number;
    }
  /** Over the channels at each position. */
  | {
      readonly op: "layer-norm";
      readonly scale?: string | undefined;
      readonly shift?: string | undefined;
      readonly epsilon: number;
    }
  /** Of each value by itself. */
  | { readonly op: Activation }
  | {
      readonly op: "max-pool";
      readonly size: number;
      readonly stride: number;
      /** Positions added on every side, never the highest; default 0. */
      readonly padding?: number | undefined;
      /**
       * Left out where its input has no more positions than this: names do not show a pool before a flatten, sizes
       * do.
       */
      readonly fit?: number | undefined;
    }
  /** Mean over all positions: `[batch, height, width, channels]` → `[batch, channels]`. */
  | { readonly op: "global-mean" }
  /** Channel-major as PyTorch flattens, channel-minor as TensorFlow does. */
  | { readonly op: "flatten"; readonly order: "channel-major" | "channel-minor" }
  /** Sum of its inputs. */
  | { readonly op: "add" }
  /** What a file's graph has and no operation here is: the kind of operator. The runtime of the file runs it. */
  | { readonly op: "other"; readonly kind: string };

/** How the kernel of a convolution moves: rows, then columns. */
export interface ConvWindow {
  readonly stride: readonly [number, number];
  readonly dilation: readonly [number, number];
  /** Zeros before the first row and the first column. */
  readonly pad: readonly [number, number];
}

/** Operations in an order in which every input exists before it is read. */
export interface Graph {
  readonly operations: readonly Operation[];
  /** The value that holds the logits, `[batch, classes]`. */
  readonly output: string;
  /** Assumptions that tensors do not prove, one line each; set by `describeGraph`. */
  readonly assumptions?: readonly string[] | undefined;
  /** Channels that images must have: of a file's graph that takes rows, of which nothing shows how several are ordered. */
  readonly channels?: number | undefined;
  /** Of a file's graph: operators with weights that repairs leave as they are, one line each with the reason. */
  readonly leftOut?: readonly string[] | undefined;
}
