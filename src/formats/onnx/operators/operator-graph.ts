/**
 * The operators of an ONNX model: scopes of values flattened to unique names, calls of the model's functions put in
 * their places.
 */

import { describe } from "../../../base/describe.ts";
import { FormatError } from "../../../base/errors.ts";
import type { AttributeValue, ConstantValue, Operator, OperatorGraph } from "../../../graph/operators.ts";
import { ownName } from "../onnx-graph.ts";
import type { GraphNode, WalkedGraph } from "../onnx-node.ts";
import { readTensor } from "../onnx-tensor.ts";
import { type OnnxContainer, readPlaced } from "../open-onnx.ts";
import { type ProtoFile, protoFile } from "../protobuf.ts";
import { type Draft, normalise } from "./normalise.ts";
import { type Attribute, type Attributes, readAttributes } from "./read-attributes.ts";
import { type FunctionHead, functionKey, knownOpset, readFunctionHead, readGraphInterface } from "./read-interface.ts";
import { constantOf, isSmall } from "./small-constants.ts";

/** Operators after the calls of functions are put in: ten times those of the largest models. */
const MAX_OPERATORS = 200_000;
/** Functions that call functions. ONNX forbids that one calls itself. */
const MAX_CALLS = 64;

/** What one run of the importer works with. */
interface Import {
  readonly container: OnnxContainer;
  readonly file: ProtoFile;
  readonly functions: Map<string, { readonly graph: WalkedGraph; readonly head: FunctionHead }>;
  /** Names of values that are taken. */
  readonly taken: Set<string>;
  count: number;
}

/** A graph on its way: one of the file, or a function's at one of its calls. */
interface Scope {
  readonly graph: WalkedGraph;
  /** Before the names of its values and operators. */
  readonly prefix: string;
  /** Unique names of its values by their own. */
  readonly values: Map<string, string>;
  readonly parent: Scope | undefined;
  readonly opset: number;
  /** Attributes of the call, in a function. */
  readonly given: Attributes;
  readonly calls: number;
  /** Where its operators and tensors go: a function's go where it is called. */
  readonly into: Made;
}

interface Made {
  readonly tensors: Map<string, string>;
  readonly constants: Map<string, ConstantValue>;
  readonly operators: Operator[];
}

/**
 * The graph of a model that `openOnnx` opened, in the meaning of the newest operators (opsets 7 to 26 are read). Reads
 * nodes, and tensors that are small. `tensors` has the names of the model's tensors.
 *
 * @throws {FormatError} naming the node: for unknown sets of operators, values that nothing before their readers gives
 * or that are given twice, functions that call themselves, and too many operators
 */
export async function readOperatorGraph(container: OnnxContainer, signal?: AbortSignal): Promise<OperatorGraph> {
  const { source, graphs, opsets, facts } = container;
  const opset = knownOpset(source.name, opsets.get("") ?? opsets.get("ai.onnx"));
  const run: Import = { container, file: protoFile(source, signal), functions: new Map(), taken: new Set(), count: 0 };
  for (const graph of container.functions) {
    const head = await readFunctionHead(run.file, graph.message);
    run.functions.set(head.key, { graph, head });
  }
  const graph = graphs.find((each) => each.scope === "" && each.parent === undefined)!;
  const top = { graph, prefix: "", parent: undefined, opset, given: new Map(), calls: 0 };
  return { ...(await importGraph(run, top)), producer: facts.get("producer"), opset };
}

/** A graph of the file, with the interface that it states. */
async function importGraph(run: Import, place: Omit<Scope, "values" | "into">): Promise<OperatorGraph> {
  const into: Made = { tensors: new Map(), constants: new Map(), operators: [] };
  const scope: Scope = { ...place, values: new Map(), into };
  const stated = await readGraphInterface(run.file, scope.graph.message);
  await takeTensors(run, scope);
  // The oldest files list tensors among the inputs, too.
  const inputs = stated.inputs
    .filter(({ name }) => !scope.graph.names.has(name))
    .map((input) => ({ ...input, name: define(run, scope, input.name, "graph") }));
  await takeNodes(run, scope);
  const outputs = stated.outputs.map((output) => resolve(run, scope, output, "the graph's output"));
  return { inputs, outputs, ...into };
}

/** Names its tensors, and reads the small ones. What is no tensor here is the value of an operator that nobody knows. */
async function takeTensors(run: Import, scope: Scope): Promise<void> {
  const { container } = run;
  for (const [name, full] of scope.graph.names) {
    const value = define(run, scope, name, "tensor");
    const tensor = container.tensors.get(full);
    if (tensor === undefined) {
      const kind = "rebasin.Opaque";
      const what = container.leftOut.find((each) => each.name === full)?.what ?? "no numbers";
      push(run, scope, { kind, name: `${full} (${what})`, inputs: [], outputs: [value], attributes: new Map() });
      continue;
    }
    scope.into.tensors.set(value, full);
    if (!isSmall(tensor.dtype, tensor.shape)) continue;
    const bytes = await readPlaced(container, tensor, run.file.signal);
    scope.into.constants.set(value, constantOf(tensor.dtype, tensor.shape, bytes));
  }
}

async function takeNodes(run: Import, scope: Scope): Promise<void> {
  for (const [at, node] of scope.graph.nodes.entries()) {
    await run.file.giveWay();
    const name = scope.prefix + ownName(node, at);
    const { attributes: stated, overload } = await readAttributes(run.file, node);
    const attributes = new Map<string, Attribute>();
    for (const [key, attribute] of stated) {
      const value = attribute.kind === "reference" ? scope.given.get(attribute.of) : attribute;
      if (value !== undefined) attributes.set(key, value);
    }
    const inputs = node.inputs.map((input) =>
      input === "" ? "" : resolve(run, scope, input, `node ${describe(name)}`),
    );
    const called = run.functions.get(functionKey(node.domain, node.operator, overload));
    if (called !== undefined) await call(run, scope, { node, name, inputs, attributes }, called);
    else if (node.operator === "Constant" && node.domain === "") await takeConstant(run, scope, node, name, attributes);
    else await takeOperator(run, scope, { node, name, inputs, attributes });
  }
}

/** A node whose inputs and attributes are known. */
interface Prepared {
  readonly node: GraphNode;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly attributes: Attributes;
}

async function takeOperator(run: Import, scope: Scope, { node, name, inputs, attributes }: Prepared): Promise<void> {
  const kind = node.domain === "" ? node.operator : `${node.domain}.${node.operator}`;
  const values = new Map<string, AttributeValue>();
  for (const [key, attribute] of attributes) {
    if (attribute.kind === "value") values.set(key, attribute.value);
    else if (attribute.kind === "tensor" && kind === "ConstantOfShape")
      values.set(key, (await tensorOf(run, attribute.message))?.values[0] ?? Number.NaN);
  }
  const bodies = new Map<string, OperatorGraph>();
  for (const [which, graph] of node.bodies) {
    const { opset, given, calls } = scope;
    bodies.set(
      which,
      await importGraph(run, { graph, prefix: `${name}/${which}/`, parent: scope, opset, given, calls }),
    );
  }
  const outputs = node.outputs.map((output) =>
    output === "" ? "" : define(run, scope, output, `node ${describe(name)}`),
  );
  const draft: Draft = { kind, inputs: [...inputs], outputs, attributes: values };
  if (node.domain === "")
    normalise(draft, scope.opset, (role, constant) => {
      const value = unique(run, `${name}/${role}`);
      scope.into.constants.set(value, constant);
      return value;
    });
  push(run, scope, { ...draft, name, bodies: bodies.size > 0 ? bodies : undefined });
}

/** A `Constant` in a function, whose value the call gives. */
async function takeConstant(
  run: Import,
  scope: Scope,
  { outputs: [output = ""] }: GraphNode,
  name: string,
  attributes: Attributes,
): Promise<void> {
  const value = define(run, scope, output, `node ${describe(name)}`);
  const [[key, attribute] = ["", undefined]] = attributes;
  const constant = attribute === undefined ? undefined : await constantFrom(run, key, attribute);
  if (constant !== undefined) scope.into.constants.set(value, constant);
  else push(run, scope, { kind: "rebasin.Opaque", name, inputs: [], outputs: [value], attributes: new Map() });
}

async function constantFrom(run: Import, key: string, attribute: Attribute): Promise<ConstantValue | undefined> {
  if (attribute.kind === "tensor") return tensorOf(run, attribute.message);
  if (attribute.kind !== "value") return undefined;
  const list = typeof attribute.value === "object" ? attribute.value : [attribute.value];
  if (!list.every((each) => typeof each === "number")) return undefined;
  const dtype = key.startsWith("value_int") ? "int" : "float";
  return { dtype, shape: typeof attribute.value === "object" ? [list.length] : [], values: list };
}

/** The values of a small tensor among a node's attributes. */
async function tensorOf(run: Import, message: WalkedGraph["message"]): Promise<ConstantValue | undefined> {
  const { tensor } = await readTensor(run.file, message);
  if ("leftOut" in tensor || tensor.place.kind === "external" || !isSmall(tensor.dtype, tensor.shape)) return undefined;
  return constantOf(tensor.dtype, tensor.shape, await readPlaced(run.container, tensor, run.file.signal));
}

/** Puts a function's operators in the place of a call. */
async function call(
  run: Import,
  scope: Scope,
  { node, name, inputs, attributes }: Prepared,
  { graph, head }: { readonly graph: WalkedGraph; readonly head: FunctionHead },
): Promise<void> {
  const calls = scope.calls + 1;
  const where = `${run.file.name} node ${describe(name)}`;
  if (calls > MAX_CALLS) throw new FormatError(`${where} is call ${calls} of functions in functions, expected fewer`);
  if (inputs.length > head.inputs.length || node.outputs.length > head.outputs.length)
    throw new FormatError(
      `${where} has ${inputs.length} inputs and ${node.outputs.length} outputs, expected the ${head.inputs.length} and ${head.outputs.length} of its function`,
    );
  const inner: Scope = {
    graph,
    prefix: `${name}/`,
    values: new Map(head.inputs.map((input, i) => [input, inputs[i] ?? ""])),
    parent: undefined,
    opset: head.opset === undefined ? scope.opset : knownOpset(`${where}: its function`, head.opset),
    given: new Map([...head.defaults, ...attributes]),
    calls,
    into: scope.into,
  };
  await takeTensors(run, inner);
  await takeNodes(run, inner);
  for (const [i, output] of node.outputs.entries()) {
    if (output === "") continue;
    const from = resolve(run, inner, head.outputs[i]!, where);
    const to = define(run, scope, output, `node ${describe(name)}`);
    push(run, scope, { kind: "Identity", name, inputs: [from], outputs: [to], attributes: new Map() });
  }
}

function push(run: Import, { into }: Scope, operator: Operator): void {
  run.count++;
  if (run.count > MAX_OPERATORS)
    throw new FormatError(`${run.file.name} has ${run.count} operators, expected at most ${MAX_OPERATORS}`);
  into.operators.push(operator);
}

/** The unique name of a value that a graph gives itself. Throws `FormatError` where it has one of that name. */
function define(run: Import, { values, prefix }: Scope, name: string, what: string): string {
  if (values.has(name))
    throw new FormatError(
      `${run.file.name} ${what} gives value ${describe(prefix + name)} a second time, expected each once`,
    );
  const value = unique(run, prefix + name);
  values.set(name, value);
  return value;
}

function unique({ taken }: Import, name: string): string {
  let value = name;
  for (let copy = 2; taken.has(value); copy++) value = `${name}#${copy}`;
  taken.add(value);
  return value;
}

/** The unique name of a value that a graph, or one around it, has given before. */
function resolve(run: Import, scope: Scope, name: string, reader: string): string {
  for (let each: Scope | undefined = scope; each !== undefined; each = each.parent) {
    const value = each.values.get(name);
    if (value !== undefined) return value;
  }
  throw new FormatError(
    `${run.file.name} ${reader} reads value ${describe(name)}, which nothing before it gives, expected nodes in the order of their values`,
  );
}
