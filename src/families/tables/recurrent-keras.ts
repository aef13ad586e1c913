/** LSTM, GRU and SimpleRNN layers of Keras in files of weights alone: perhaps word embeddings, layers, dense layers. */

import { SpecError } from "../../base/errors.ts";
import type { CheckpointFacts } from "./checkpoint.ts";
import type { TensorRows } from "./rows.ts";
import type { Table, TableLayout } from "./table.ts";

/** What classes call their layers. */
const CELLS = "(lstm|gru|simple_rnn)";
const ROOT = "(layers|_layer_checkpoint_dependencies)";

/** `lstm_1/lstm_1/lstm_cell/kernel:0`, with `forward_lstm` inside of a bidirectional layer. */
const NAMED = /^([^/]+)\/(?:.*\/)?(kernel|recurrent_kernel|bias|embeddings)(?::0)?$/;
const DIRECTION = /\/(forward|backward)_[^/]+\//;
/** `layers/lstm_1/cell/vars/0`. */
const NUMBERED =
  /^(?:layers|_layer_checkpoint_dependencies)\/([^/]+)\/(?:(forward|backward)_layer\/)?(cell\/)?vars\/(\d)$/;
/** States of generators of random numbers, which dropout has. */
const SEEDS = /(^|\/)seed_generator\//;

/** In the order in which their outputs are joined. */
const SIDES = ["", "forward", "backward"];
const OF_CELL = ["kernel", "recurrent_kernel", "bias"];

/** The tensors of a layer, by direction and variable. */
type Parts = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** A layer: its tensors' names, and the number in its name. */
interface Layer {
  readonly name: string;
  readonly kind: string;
  readonly number: number;
  readonly parts: Parts;
}

/** What a tensor's name names; undefined for one that is none of a layer. */
function placeOf(name: string): { layer: string; direction: string; variable: string } | undefined {
  const [, numbered, side = "", cell, number] = NUMBERED.exec(name) ?? [];
  if (numbered !== undefined) {
    const own = numbered.startsWith("embedding") ? ["embeddings"] : ["kernel", "bias"];
    const variable = (cell === undefined ? own : OF_CELL)[Number(number)];
    return variable === undefined ? undefined : { layer: numbered, direction: side, variable };
  }
  const [, layer, variable] = NAMED.exec(name) ?? [];
  if (layer === undefined || variable === undefined) return undefined;
  return { layer, direction: DIRECTION.exec(name)?.[1] ?? "", variable };
}

/** Layers by the numbers in their names: the first has none. */
function layersOf({ tensors }: CheckpointFacts): Layer[] {
  const layers = new Map<string, Map<string, Map<string, string>>>();
  for (const name of tensors.keys()) {
    const place = SEEDS.test(name) ? undefined : placeOf(name);
    if (place === undefined) continue;
    const parts = layers.get(place.layer) ?? new Map<string, Map<string, string>>();
    const own = parts.get(place.direction) ?? new Map<string, string>();
    if (own.has(place.variable))
      throw new SpecError(
        `${name} is the second ${place.variable} of ${place.layer}, expected one; or pass a spec file`,
      );
    layers.set(place.layer, parts.set(place.direction, own.set(place.variable, name)));
  }
  const found = Array.from(layers, ([name, parts]): Layer => {
    const [, kind, number] = /^(.*?)(?:_(\d{1,6}))?$/.exec(name)!;
    return { name, kind: kind!, number: Number(number ?? 0), parts };
  });
  return found.sort((a, b) => a.number - b.number);
}

/** What the next layer reads: sizes of its parts, one after the other, and their axes. */
interface Outputs {
  readonly axes: readonly string[];
  readonly sizes: readonly number[];
}

/** Rows of tables as they are put together. */
interface Draft {
  readonly checkpoint: CheckpointFacts;
  readonly tensors: TensorRows;
}

/** The axis of a matrix that reads these outputs; throws `SpecError` for one of another size. */
function readsAxis({ checkpoint }: Draft, kernel: string, { axes, sizes }: Outputs): string {
  const reads = checkpoint.tensors.get(kernel)!.shape[0]!;
  const size = sizes.reduce((sum, each) => sum + each, 0);
  if (reads === size) return axes.join("|");
  throw new SpecError(
    `${kernel} reads ${reads} units, expected the ${size} of the layer before it; or pass a spec file`,
  );
}

/**
 * The rows of a recurrent layer. Directions that the next layer reads as one have one order: they are added, or
 * multiplied.
 */
function recurrentLayer(draft: Draft, layer: Layer, at: number, inputs: Outputs, next: string | undefined): Outputs {
  const { tensors } = draft.checkpoint;
  const shapes = (name: string): readonly number[] => tensors.get(name)!.shape;
  const directions = SIDES.flatMap((side) => {
    const own = layer.parts.get(side);
    return own === undefined ? [] : [[side, own] as const];
  });
  const units = directions.map(([, own]) => shapes(own.get("recurrent_kernel")!)[0]!);
  const isJoined = next === undefined || shapes(next)[0] !== units[0];
  const axes = directions.map(([side]) => `H${at}${isJoined && side === "backward" ? "_backward" : ""}`);
  for (const [k, [, own]] of directions.entries()) {
    const [kernel, recurrent, bias] = OF_CELL.map((variable) => own.get(variable));
    const gates = draft.checkpoint.divide(shapes(recurrent!)[1] ?? 0, units[k]!, "gates");
    if (kernel === undefined || ![1, 3, 4].includes(gates))
      throw new SpecError(
        `${recurrent} has ${gates} columns for each unit, expected a kernel and 1, 3 or 4 (SimpleRNN, GRU, LSTM)`,
      );
    const columns = `${gates}*${axes[k]}`;
    draft.tensors[kernel] = [readsAxis(draft, kernel, inputs), columns];
    draft.tensors[recurrent!] = [axes[k]!, columns];
    // Two rows where the reset gate acts after the product: of the input, and of the state.
    if (bias !== undefined) draft.tensors[bias] = shapes(bias).length === 2 ? ["_", columns] : [columns];
  }
  return isJoined ? { axes, sizes: units } : { axes: axes.slice(0, 1), sizes: units.slice(0, 1) };
}

/** The only layer of a kind, or none. */
function embeddingOf(layers: readonly Layer[]): string | undefined {
  const tables = layers.flatMap(({ parts }) => parts.get("")?.get("embeddings") ?? []);
  if (tables.length <= 1) return tables[0];
  throw new SpecError(`model has ${tables.join(" and ")}, expected one table of embeddings; or pass a spec file`);
}

function layout(checkpoint: CheckpointFacts): TableLayout {
  const layers = layersOf(checkpoint);
  const cells = layers.filter(({ parts }) => [...parts.values()].every((own) => own.has("recurrent_kernel")));
  const dense = layers.filter(({ parts, kind }) => kind === "dense" && parts.get("")?.has("kernel"));
  const kinds = new Set(cells.map(({ kind }) => kind));
  if (kinds.size !== 1 || dense.length === 0)
    throw new SpecError(
      `model has ${kinds.size} kinds of recurrent layers (${[...kinds].join(", ")}) and ${dense.length} dense ones, expected one kind and a dense one after it; or pass a spec file`,
    );
  const tensors: TensorRows = {};
  const draft: Draft = { checkpoint, tensors };
  for (const name of checkpoint.tensors.keys()) if (SEEDS.test(name)) tensors[name] = "fixed";
  const embedding = embeddingOf(layers);
  if (embedding !== undefined) tensors[embedding] = ["_", "E"];
  const kernels = [...cells, ...dense].map(({ parts }) => [...parts.values()][0]!.get("kernel"));
  const width = checkpoint.tensors.get(embedding ?? kernels[0] ?? "")?.shape[embedding === undefined ? 0 : 1] ?? 0;
  let outputs: Outputs = { axes: [embedding === undefined ? "_" : "E"], sizes: [width] };
  for (const [at, layer] of cells.entries()) outputs = recurrentLayer(draft, layer, at, outputs, kernels[at + 1]);
  for (const [at, { parts }] of dense.entries()) {
    const own = parts.get("")!;
    const [kernel, bias] = [own.get("kernel")!, own.get("bias")];
    const axis = at === dense.length - 1 ? "_" : `D${at}`;
    tensors[kernel] = [readsAxis(draft, kernel, outputs), axis];
    if (bias !== undefined) tensors[bias] = [axis];
    outputs = { axes: [axis], sizes: [checkpoint.tensors.get(kernel)!.shape[1]!] };
  }
  return {
    permutations: {
      E: { role: "embedding" },
      "H{L}[_backward]": { role: "recurrent" },
      "D{L}": { role: "ffn" },
    },
    tensors,
    why: `${cells.length} layers ${[...kinds].join()} and ${dense.length} dense of Keras`,
    assumptions: [
      "layers follow each other by the numbers in their names, and dense layers come last",
      "dense layers apply their activations element by element",
    ],
  };
}

/** Files whose variables have numbers, and files whose variables have names. */
export const recurrentKeras: readonly Table[] = [
  {
    name: "recurrent",
    signs: [`${ROOT}/(lstm|gru|simple_rnn|bidirectional)[_{N}]/[(forward|backward)_layer/]cell/vars/1`],
    layout,
  },
  {
    name: "recurrent",
    signs: [
      `(lstm|gru|simple_rnn|bidirectional)[_{N}]/(lstm|gru|simple_rnn|bidirectional)[_{M}]/` +
        `(|(forward|backward)_${CELLS}/|(forward|backward)_${CELLS}_{K}/)(|${CELLS}_cell/|${CELLS}_cell_{C}/)recurrent_kernel[:0]`,
    ],
    layout,
  },
];
