/** A family's graph as operators, with their tensors: what inference reads. */

import type { Graph, Operation, OperationKind } from "./graph.ts";
import type { AttributeValue, Operator, OperatorGraph } from "./operators.ts";

/** Activations as ONNX names them. */
const ACTIVATIONS = { relu: "Relu", gelu: "Gelu", tanh: "Tanh", silu: "Swish" } as const;

/** What one operation becomes: a kind, what it reads in addition to values, attributes. */
interface Step {
  readonly kind: string;
  readonly tensors?: readonly (string | undefined)[];
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
}

/**
 * The same network as operators on channels-last images of unknown size. Values and tensors keep their names; a value
 * that an operation makes in two steps has a step before it, `NAME.0`.
 *
 * @example
 * const { spec } = await inferSpec(asOperators(await describeGraph(model)), model);
 */
export function asOperators({ operations, output }: Graph): OperatorGraph {
  const tensors = new Map<string, string>();
  const operators = operations.flatMap((operation) => operatorsOf(operation, tensors));
  const shape =
    operations[0]?.kind.op === "dense" ? [undefined, undefined] : [undefined, undefined, undefined, undefined];
  return { inputs: [{ name: "input", shape }], outputs: [output], tensors, constants: new Map(), operators };
}

function operatorsOf({ output, inputs, kind }: Operation, tensors: Map<string, string>): Operator[] {
  const steps = stepsOf(kind);
  return steps.map((step, at): Operator => {
    const own = (step.tensors ?? []).map((name) => {
      if (name === undefined) return "";
      tensors.set(`tensor ${name}`, name);
      return `tensor ${name}`;
    });
    const result = at === steps.length - 1 ? output : `${output}.${at}`;
    const values = at === 0 ? inputs : [`${output}.${at - 1}`];
    const attributes = new Map(Object.entries(step.attributes ?? {}));
    return { kind: step.kind, name: output, inputs: [...values, ...own], outputs: [result], attributes };
  });
}

function stepsOf(kind: OperationKind): Step[] {
  const layout = "nhwc";
  switch (kind.op) {
    case "dense":
      return [
        { kind: "Gemm", tensors: [kind.weight, kind.bias], attributes: { transB: kind.layout === "out-in" ? 1 : 0 } },
      ];
    case "conv":
      return [
        {
          kind: "Conv",
          tensors: [kind.weight, kind.bias],
          attributes: { layout, filter: kind.layout, ...windowOf(kind) },
        },
      ];
    case "batch-norm":
    case "layer-norm":
      return [normStep(kind)];
    case "max-pool":
      return [
        {
          kind: "MaxPool",
          attributes: { layout, kernel_shape: [kind.size, kind.size], strides: [kind.stride, kind.stride] },
        },
      ];
    case "global-mean":
      return [{ kind: "GlobalAveragePool", attributes: { layout } }, { kind: "Flatten" }];
    case "flatten":
      return kind.order === "channel-minor"
        ? [{ kind: "Flatten" }]
        : [{ kind: "Transpose", attributes: { perm: [0, 3, 1, 2] } }, { kind: "Flatten" }];
    case "add":
      return [{ kind: "Sum" }];
    case "other":
      return [{ kind: kind.kind }];
    default:
      return [{ kind: ACTIVATIONS[kind.op] }];
  }
}

function normStep(kind: Extract<OperationKind, { op: "batch-norm" | "layer-norm" }>): Step {
  const { epsilon } = kind;
  if (kind.op === "layer-norm")
    return { kind: "LayerNormalization", tensors: [kind.scale, kind.shift], attributes: { axis: -1, epsilon } };
  const tensors = [kind.scale, kind.shift, kind.mean, kind.variance];
  return { kind: "BatchNormalization", tensors, attributes: { layout: "nhwc", epsilon } };
}

function windowOf({ stride, padding }: Extract<OperationKind, { op: "conv" }>): Record<string, AttributeValue> {
  const strides = [stride, stride];
  return padding === "same" ? { strides, auto_pad: "SAME_UPPER" } : { strides, pads: Array(4).fill(padding) };
}
