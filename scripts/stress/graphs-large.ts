/**
 * `npm run stress -- graphs-large [NODES] [CASE ...]`: ONNX files of a million nodes, and of as many as are read, give a `FormatError`,
 * a `SpecError` or a spec. Prints seconds of processor time and the largest resident memory; each case is a process of its own.
 */

import { spawnSync } from "node:child_process";
import { FormatError, SpecError } from "../../src/base/errors.ts";
import { joinBytes } from "../../src/base/join-bytes.ts";
import { openModel } from "../../src/formats/open-model.ts";
import { readGraph } from "../../src/formats/operator-graph.ts";
import { inferSpec } from "../../src/infer/infer-spec.ts";
import {
  attribute,
  node,
  onnxFile,
  part,
  raw,
  tensor,
  valueInfo,
  whole,
  wholes,
} from "../../test/reference/onnx-builder.ts";

type Bytes = Uint8Array<ArrayBuffer>;
type Make = (count: number) => Bytes;

/** Far above what any case needs. */
const [MOST_SECONDS, MOST_MB] = [120, 4000];
const READ = 199_000;

const weights = (name: string, ...shape: readonly number[]): Bytes =>
  tensor(name, 1, shape, raw(new Uint8Array(4 * shape.reduce((product, size) => product * size, 1)).fill(60)));
const ints = (name: string, ...values: readonly number[]): Bytes => tensor(name, 7, [values.length], wholes(7, values));

/** A file with these nodes between a matrix and another. `each` makes the nodes that give v1, v2, … from v0, v1, … */
function between(count: number, each: (at: number) => readonly Bytes[], more: readonly Bytes[] = [], width = 8): Bytes {
  const nodes = [node("MatMul", ["x", "first"], ["v0"])];
  let at = 0;
  for (; nodes.length < count; at++) for (const made of each(at)) nodes.push(made);
  nodes.push(node("MatMul", [`v${at}`, "last"], ["y"]));
  const tensors = [weights("first", 4, width), weights("last", width, 3), ...more];
  return onnxFile(graph(nodes, tensors, [[valueInfo("x", ["n", 4])], [valueInfo("y")]]));
}

/** A branch that gives a value of the graph around it, or that with an axis more. */
const branchOf = (at: number, more: boolean): Bytes => {
  const name = `${more ? "t" : "e"}${at}`;
  const inside = more ? node("Unsqueeze", [`v${at}`, "zero"], [name]) : node("Relu", [`v${at}`], [name]);
  return graph([inside], [], [[], [valueInfo(name)]]);
};

/** Functions that each call the one before twice. */
function doubling(depth: number): Bytes {
  const body = (at: number): Bytes => {
    const inner = at === 0 ? ["Relu", ""] : [`f${at - 1}`, "own"];
    const call = (from: string, to: string): Bytes => {
      const made = node(inner[0]!, [from], [to]);
      return inner[1] === "" ? made : joinBytes([made, part(7, inner[1]!)]);
    };
    return joinBytes([
      part(1, `f${at}`),
      part(4, "a"),
      part(5, "c"),
      part(7, call("a", "b")),
      part(7, call("b", "c")),
      part(9, joinBytes([part(1, ""), whole(2, 17)])),
      part(10, "own"),
    ]);
  };
  const functions = Array.from({ length: depth }, (_, at) => part(25, body(at)));
  const call = joinBytes([node(`f${depth - 1}`, ["x"], ["y"]), part(7, "own")]);
  return joinBytes([onnxFile(graph([call], [], [[valueInfo("x", ["n", 4])], [valueInfo("y")]])), ...functions]);
}

/** `graph` of any number of nodes. */
function graph(
  nodes: readonly Bytes[],
  tensors: readonly Bytes[],
  [inputs, outputs]: readonly (readonly Bytes[])[],
): Bytes {
  return joinBytes([
    ...[...nodes.map((each) => part(1, each)), part(2, "net"), ...tensors.map((each) => part(5, each))],
    ...inputs!.map((each) => part(11, each)),
    ...outputs!.map((each) => part(12, each)),
  ]);
}

/** A body in a body in a body. */
function nested(depth: number): Bytes {
  let inside = graph([node("Relu", ["x"], ["z"])], [], [[], [valueInfo("z")]]);
  for (let at = 0; at < depth; at++) {
    const bodies = ["then_branch", "else_branch"].map((name) => attribute(name, part(6, inside), whole(20, 5)));
    inside = graph([node("If", ["c"], [`z${at}`], bodies.slice(0, 1))], [], [[], [valueInfo(`z${at}`)]]);
  }
  const bodies = [attribute("then_branch", part(6, inside), whole(20, 5))];
  return onnxFile(
    graph([node("If", ["c"], ["y"], bodies)], [], [[valueInfo("x", [4]), valueInfo("c", [], 9)], [valueInfo("y")]]),
  );
}

const relu = (count: number): Bytes => between(count, (at) => [node("Relu", [`v${at}`], [`v${at + 1}`])]);
const layers = (count: number): Bytes => {
  const own: Bytes[] = [];
  const each = (at: number): Bytes[] => {
    own.push(weights(`w${at}`, 8, 8));
    return [node("MatMul", [`v${at}`, `w${at}`], [`m${at}`]), node("Relu", [`m${at}`], [`v${at + 1}`])];
  };
  // The list is filled while the nodes are made.
  return between(count, each, own);
};

const CASES: Readonly<Record<string, Make>> = {
  chain: relu,
  "chain as long as is read": () => relu(READ),
  "matrices, one after the other": () => layers(READ),
  "sums of all before": () => between(READ, (at) => [node("Add", [`v${at}`, `v${at >> 1}`], [`v${at + 1}`])]),
  "joined with itself": () =>
    between(READ, (at) => [
      node("Concat", [`v${at}`, `v${at}`], [`v${at + 1}`], [attribute("axis", whole(3, 1), whole(20, 2))]),
    ]),
  "cut and joined": () =>
    between(
      READ,
      (at) => [
        node("Split", [`v${at}`, "parts"], [`a${at}`, `b${at}`], [attribute("axis", whole(3, 1), whole(20, 2))]),
        node("Concat", [`b${at}`, `a${at}`], [`v${at + 1}`], [attribute("axis", whole(3, 1), whole(20, 2))]),
      ],
      [ints("parts", 3, 5)],
    ),
  shuffled: () =>
    between(
      READ,
      (at) => [
        node("Reshape", [`v${at}`, "cut"], [`a${at}`]),
        node("Transpose", [`a${at}`], [`b${at}`], [attribute("perm", wholes(8, [0, 2, 1]), whole(20, 7))]),
        node("Reshape", [`b${at}`, "whole"], [`v${at + 1}`]),
      ],
      [ints("cut", 0, 2, 4), ints("whole", 0, 8)],
    ),
  "branches of two ranks": () =>
    between(
      READ / 4,
      (at) => [
        node("Greater", [`c${at}`, "limit"], [`d${at}`]),
        node(
          "If",
          [`d${at}`],
          [`i${at}`],
          [
            attribute("then_branch", part(6, branchOf(at, true)), whole(20, 5)),
            attribute("else_branch", part(6, branchOf(at, false)), whole(20, 5)),
          ],
        ),
        node("Reshape", [`i${at}`, "whole"], [`v${at + 1}`]),
        node("ReduceSum", [`v${at + 1}`], [`c${at + 1}`], [attribute("keepdims", whole(3, 0), whole(20, 2))]),
      ],
      [ints("zero", 0), ints("whole", -1, 8), weights("c0"), weights("limit")],
    ),
  "functions that double": () => doubling(40),
  "bodies in bodies": () => nested(2000),
  "wide, one after the other": () => between(2000, (at) => [node("Softmax", [`v${at}`], [`v${at + 1}`])], [], 4096),
  layers: (count) => layers(count),
  constants: (count) =>
    onnxFile(
      graph(
        Array.from({ length: count }, (_, at) =>
          node("Constant", [], [`k${at}`], [attribute("value_int", whole(3, at), whole(20, 2))]),
        ),
        [],
        [[valueInfo("x", [4])], [valueInfo("x")]],
      ),
    ),
};

async function runOne(name: string, count: number): Promise<void> {
  const bytes = CASES[name]!(count);
  const before = process.cpuUsage();
  let what: string;
  try {
    const model = await openModel(bytes, { name: "large.onnx" });
    const operators = await readGraph(model);
    const { spec, frozen } = await inferSpec(operators!, model);
    what = `${operators!.operators.length} operators, spec of ${spec.tensors.size} tensors, ${frozen.length} kept in place`;
  } catch (error) {
    if (!(error instanceof FormatError || error instanceof SpecError)) throw error;
    what = `${error.name}: ${error.message.slice(0, 110)}`;
  }
  const { user, system } = process.cpuUsage(before);
  const [seconds, mb] = [(user + system) / 1e6, process.resourceUsage().maxRSS / 1e3];
  const wrong = seconds > MOST_SECONDS || mb > MOST_MB;
  const size = `${(bytes.length / 1e6).toFixed(0)} MB file`;
  console.log(`${wrong ? "WRONG" : "right"} ${name} (${size}): ${seconds.toFixed(1)} s, ${mb.toFixed(0)} MB; ${what}`);
  if (wrong) process.exitCode = 1;
}

const [first, ...names] = process.argv.slice(2);
if (first === "--one") await runOne(names[1]!, Number(names[0]));
else {
  const count = Number(first ?? 1_000_000);
  for (const name of names.length > 0 ? names : Object.keys(CASES)) {
    const started = [process.argv[1]!, "--one", String(count), name];
    const { status } = spawnSync(process.execPath, started, { stdio: "inherit", timeout: 600_000 });
    if (status !== 0) process.exitCode = 1;
    if (status !== 0) console.log(`WRONG ${name}: ended with ${status}`);
  }
}
