/** How the nodes of a graph use its tensors, as far as families of networks need to know. */

import type { GraphUse } from "../../base/model.ts";
import type { OnnxIndex } from "./onnx-graph.ts";
import type { GraphNode, WalkedGraph } from "./onnx-node.ts";
import { tensorReads } from "./tensor-reads.ts";

/** Operators whose inputs from that one on are shapes, axes, places: no weights. */
const SHAPES: ReadonlyMap<string, number> = new Map([
  ["Reshape", 1],
  ["Expand", 1],
  ["Tile", 1],
  ["Pad", 1],
  ["Slice", 1],
  ["Resize", 1],
  ["Upsample", 1],
  ["Squeeze", 1],
  ["Unsqueeze", 1],
  ["Split", 1],
  ["TopK", 1],
  ["Clip", 1],
  ["Dropout", 1],
  ["OneHot", 1],
  ["CumSum", 1],
  ["Trilu", 1],
  ["ReduceSum", 1],
  ["ReduceMean", 1],
  ["ReduceMax", 1],
  ["ReduceMin", 1],
  ["ReduceProd", 1],
  ["ReduceL2", 1],
  ["ConstantOfShape", 0],
  ["Range", 0],
]);

/** Between a convolution and the matrix that reads it flattened there is little. */
const MAX_STEPS = 32;

/** A tensor by its full name, and whether its two axes were swapped on the way. */
interface Known {
  readonly name: string;
  readonly isTurned: boolean;
}

/** What is known of a graph's values while it is looked at. */
interface View {
  readonly graph: WalkedGraph;
  readonly aliases: Map<string, Known>;
  readonly producers: Map<string, GraphNode>;
}

/**
 * The uses of tensors by their full names. Scalars and tensors that are only shapes are fixed. The matrices of `Gemm`
 * and `MatMul` and the kernels of `Conv` have a layout. A tensor used in two ways, or as another operator's matrix, has
 * layout "other".
 */
export function tensorUses({ graphs, tensors }: OnnxIndex): Map<string, GraphUse> {
  const uses = new Map<string, GraphUse>();
  const shapes = new Map<string, boolean>();
  for (const graph of graphs) {
    const view = viewOf(graph);
    for (const node of graph.nodes) {
      for (const [at, input] of node.inputs.entries()) {
        const known = input === "" ? undefined : find(view, input);
        if (known === undefined || node.operator === "Identity" || isTurn(node)) continue;
        const { name, isTurned } = known;
        shapes.set(name, at >= shapesFrom(node.operator) && (shapes.get(name) ?? true));
        const use = useOf(view, node, at);
        if (use !== undefined) uses.set(name, join(uses.get(name), isTurned ? turn(use) : use));
      }
    }
    if (graph.parent !== undefined || graph.scope !== "") continue;
    for (const [name, reads] of tensorReads(graph.nodes, (value) => find(view, value)?.name, shapesFrom))
      uses.set(name, { ...uses.get(name), reads });
  }
  for (const [name, { shape }] of tensors) {
    if (shape.length === 0 || shapes.get(name)) uses.set(name, { isFixed: true });
    else if (shape.length > 1 && uses.get(name)?.layout === undefined) uses.set(name, { layout: "other" });
  }
  return uses;
}

const shapesFrom = (operator: string): number => SHAPES.get(operator) ?? Number.POSITIVE_INFINITY;

function viewOf(graph: WalkedGraph): View {
  const view: View = { graph, aliases: new Map(), producers: new Map() };
  for (const node of graph.nodes) {
    for (const output of node.outputs) view.producers.set(output, node);
    const [input = "", output = ""] = [node.inputs[0], node.outputs[0]];
    const known = node.operator === "Identity" || isTurn(node) ? find(view, input) : undefined;
    if (known !== undefined) view.aliases.set(output, isTurn(node) ? { ...known, isTurned: !known.isTurned } : known);
  }
  return view;
}

function find({ graph, aliases }: View, value: string): Known | undefined {
  const alias = aliases.get(value);
  if (alias !== undefined) return alias;
  for (let each: WalkedGraph | undefined = graph; each !== undefined; each = each.parent) {
    const name = each.names.get(value);
    if (name !== undefined) return { name, isTurned: false };
  }
  return undefined;
}

/** A transposed matrix. Without `perm` axes are reversed. */
const isTurn = ({ operator, numbers }: GraphNode): boolean =>
  operator === "Transpose" && ["1,0", undefined].includes(numbers.get("perm")?.join());

const turn = (use: GraphUse): GraphUse =>
  use.layout === "in-out"
    ? { ...use, layout: "out-in" }
    : { ...use, layout: use.layout === "out-in" ? "in-out" : "other" };

function join(before: GraphUse | undefined, use: GraphUse): GraphUse {
  if (
    before === undefined ||
    (before.layout === use.layout && before.flatten === use.flatten && before.groups === use.groups)
  )
    return use;
  return { layout: "other" };
}

function useOf(view: View, node: GraphNode, at: number): GraphUse | undefined {
  const { operator, domain, numbers, inputs } = node;
  if (domain !== "") return undefined;
  const flag = (name: string): boolean => (numbers.get(name)?.[0] ?? 0) !== 0;
  if (operator === "Conv") return at === 1 ? { layout: "out-in", groups: numbers.get("group")?.[0] ?? 1 } : undefined;
  if (operator === "ConvTranspose") return at === 1 ? { layout: "other" } : undefined;
  if (operator === "MatMul" && at <= 1)
    return { layout: at === 1 ? "in-out" : "out-in", flatten: flattenBefore(view, inputs[1 - at]!) };
  if (operator !== "Gemm" || at > 1) return undefined;
  if (at === 0 || flag("transA")) return { layout: "other" };
  return { layout: flag("transB") ? "out-in" : "in-out", flatten: flattenBefore(view, inputs[0]!) };
}

/** Operators that leave a value's axes where they are, or make one of several in their order. */
const KEEPING =
  /^(Relu|LeakyRelu|PRelu|Elu|Selu|Sigmoid|HardSigmoid|Tanh|Softplus|Clip|Identity|Cast|Dropout|MaxPool|AveragePool|GlobalAveragePool|BatchNormalization|Flatten|Reshape|Squeeze|Unsqueeze|Add|Mul|Gelu|HardSwish|Mish|Pad)$/;

/**
 * In which order a matrix's input was flattened, from the nodes before it; undefined where nothing was, or nothing
 * shows it. Convolutions have channels before positions, and a `Transpose` may have moved them last.
 */
function flattenBefore(view: View, value: string): GraphUse["flatten"] {
  let order: GraphUse["flatten"] = "channel-major";
  let at = value;
  for (let step = 0; step < MAX_STEPS; step++) {
    const node = view.producers.get(at);
    if (node === undefined || node.operator === "Conv") return node === undefined ? undefined : order;
    if (node.operator === "Transpose") {
      const moved = /^0,(2,)?(2,3|3|2),1$/.test(node.numbers.get("perm")?.join() ?? "");
      if (!moved || order === "channel-minor") return undefined;
      order = "channel-minor";
    } else if (!KEEPING.test(node.operator)) return undefined;
    at = node.inputs[0] ?? "";
  }
  return undefined;
}
