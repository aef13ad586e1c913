/** Windows that move over images, of convolutions and pools of a file's graph. */

import type { ConvWindow, OperationKind } from "../graph/graph.ts";
import type { Operator } from "../graph/operators.ts";

type Conv = Extract<OperationKind, { op: "conv" }>;

function pair(operator: Operator, name: string, otherwise: number): readonly [number, number] {
  const given = operator.attributes.get(name) as readonly number[] | undefined;
  return [given?.[0] ?? otherwise, given?.[1] ?? otherwise];
}

/** Undefined for `SAME_LOWER` and the like, whose zeros depend on the sizes. */
export function describeConv(operator: Operator): Pick<Conv, "stride" | "padding" | "window"> | undefined {
  const { attributes } = operator;
  const [stride, dilation] = [pair(operator, "strides", 1), pair(operator, "dilations", 1)];
  const auto = attributes.get("auto_pad") ?? "NOTSET";
  const isEven = stride[0] === stride[1] && dilation[0] === 1 && dilation[1] === 1;
  const isWhole = ((attributes.get("group") as number | undefined) ?? 1) === 1;
  if (auto === "SAME_UPPER") return isEven && isWhole ? { stride: stride[0], padding: "same" } : undefined;
  if (auto !== "NOTSET" && auto !== "VALID") return undefined;
  const pads = auto === "VALID" ? [] : ((attributes.get("pads") as readonly number[] | undefined) ?? []);
  const [top = 0, left = 0, bottom = 0, right = 0] = pads;
  const plain = { stride: stride[0], padding: top };
  if (isEven && isWhole && top === left && top === bottom && top === right) return plain;
  const window: ConvWindow = { stride, dilation, pad: [top, left] };
  return { ...plain, window };
}

/** Undefined for one that `Graph` does not have. */
export function describePool(operator: Operator): OperationKind | undefined {
  const { attributes, outputs } = operator;
  const kernel = attributes.get("kernel_shape") as readonly number[] | undefined;
  const [stride, dilation] = [pair(operator, "strides", 1), pair(operator, "dilations", 1)];
  const pads = (attributes.get("pads") as readonly number[] | undefined) ?? [0];
  const auto = attributes.get("auto_pad") ?? "NOTSET";
  const isPlain =
    kernel?.length === 2 &&
    kernel[0] === kernel[1] &&
    stride[0] === stride[1] &&
    dilation[0] === 1 &&
    dilation[1] === 1 &&
    (attributes.get("ceil_mode") ?? 0) === 0 &&
    pads.every((pad) => pad === pads[0]) &&
    (auto === "NOTSET" || auto === "VALID") &&
    (outputs[1] ?? "") === "";
  if (!isPlain) return undefined;
  const padding = auto === "VALID" || pads[0] === 0 ? undefined : pads[0];
  return { op: "max-pool", size: kernel[0]!, stride: stride[0], padding };
}
