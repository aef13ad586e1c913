/** GPT-2 small as exporters write it: shapes computed at run time, norms in primitive operators, the head tied to the words. */

import type { TensorInfo } from "../../../src/base/model.ts";
import type { OperatorGraph } from "../../../src/graph/operators.ts";
import type { GraphBuilder } from "./graph-builder.ts";

const [BLOCKS, WIDTH, HEADS, WORDS, POSITIONS] = [12, 768, 12, 50257, 1024];

/** The graph, and its tensors without values. */
export function gpt2(b: GraphBuilder): { graph: OperatorGraph; tensors: Map<string, TensorInfo> } {
  const tensors = new Map<string, TensorInfo>();
  const named = new Map<string, string>();
  const tensor = (name: string, shape: readonly number[]): string => {
    tensors.set(name, { dtype: "F32", shape: [...shape] });
    named.set(name, name);
    return name;
  };
  const linear = (x: string, name: string, input: number, out: number): string =>
    b.operator("Add", [b.operator("MatMul", [x, tensor(name, [input, out])]), tensor(`${name}.bias`, [out])]);
  const norm = (x: string, name: string): string => {
    const axes = b.constant([-1]);
    const centred = b.operator("Sub", [x, b.operator("ReduceMean", [x, axes])]);
    const squares = b.operator("ReduceMean", [b.operator("Pow", [centred, b.constant([2], [], "float")]), axes]);
    const deviation = b.operator("Sqrt", [b.operator("Add", [squares, b.constant([1e-5], [], "float")])]);
    const scaled = b.operator("Mul", [b.operator("Div", [centred, deviation]), tensor(`${name}.weight`, [WIDTH])]);
    return b.operator("Add", [scaled, tensor(`${name}.bias`, [WIDTH])]);
  };
  const ids = b.input("ids", [undefined, undefined]);
  const place = b.operator("Slice", [
    tensor("wpe", [POSITIONS, WIDTH]),
    b.constant([0]),
    b.constant([512]),
    b.constant([0]),
  ]);
  let x = b.operator("Add", [b.operator("Gather", [tensor("wte", [WORDS, WIDTH]), ids]), place]);
  for (let block = 0; block < BLOCKS; block++) {
    const h = `h.${block}.`;
    const mixed = attention(b, linear(norm(x, `${h}ln_1`), `${h}attn`, WIDTH, 3 * WIDTH));
    x = b.operator("Add", [x, linear(mixed, `${h}proj`, WIDTH, WIDTH)]);
    const hidden = linear(norm(x, `${h}ln_2`), `${h}fc`, WIDTH, 4 * WIDTH);
    const acted = b.operator("Mul", [hidden, b.operator("Tanh", [hidden])]);
    x = b.operator("Add", [x, linear(acted, `${h}fc_proj`, 4 * WIDTH, WIDTH)]);
  }
  const logits = b.operator("MatMul", [norm(x, "ln_f"), b.operator("Transpose", ["wte"], { perm: [1, 0] })]);
  return { graph: { ...b.build(logits), tensors: named }, tensors };
}

function attention(b: GraphBuilder, qkv: string): string {
  const sizesOf = (x: string, count: number): string[] => {
    const shape = b.operator("Shape", [x]);
    return Array.from({ length: count }, (_, at) =>
      b.operator("Unsqueeze", [b.operator("Gather", [shape, b.constant([at], [])]), b.constant([0])]),
    );
  };
  const parts = b.operators("Split", [qkv, b.constant([WIDTH, WIDTH, WIDTH])], 3, { axis: 2 });
  const [q, k, v] = parts.map((part) => {
    const shape = b.operator("Concat", [...sizesOf(part, 2), b.constant([HEADS]), b.constant([WIDTH / HEADS])], {
      axis: 0,
    });
    return b.operator("Transpose", [b.operator("Reshape", [part, shape])], { perm: [0, 2, 1, 3] });
  }) as [string, string, string];
  const scores = b.operator("Softmax", [
    b.operator("MatMul", [q, b.operator("Transpose", [k], { perm: [0, 1, 3, 2] })]),
  ]);
  const mixed = b.operator("Transpose", [b.operator("MatMul", [scores, v])], { perm: [0, 2, 1, 3] });
  const shape = b.operator("Concat", [...sizesOf(mixed, 2), b.constant([-1])], { axis: 0 });
  return b.operator("Reshape", [mixed, shape]);
}
