/** LSTM, GRU and RNN layers of PyTorch in their common form: perhaps word embeddings, layers, one linear head. */

import { SpecError } from "../../base/errors.ts";
import type { CheckpointFacts } from "./checkpoint.ts";
import { dense, type TensorRows } from "./rows.ts";
import type { PermutationRow, Table, TableLayout } from "./table.ts";

const MODULE_NAMES = ["lstm", "gru", "rnn", "LSTM", "GRU", "RNN", "bilstm", "encoder"];
const MODULES = ["", ...MODULE_NAMES.map((name) => `${name}.`)];
const EMBEDDINGS = ["embedding", "embeddings", "embed", "emb", "word_embeddings", "word_embedding", "encoder"];
const HEADS = ["fc", "linear", "head", "classifier", "decoder", "out", "output", "fc_out", "hidden2tag", "dense"];

/** By the rows of a matrix for each unit: the gates. */
const KINDS: Readonly<Record<number, string>> = { 1: "RNN", 3: "GRU", 4: "LSTM" };

/** What one layer's names and shapes show; all layers have the same. */
interface Layers {
  readonly module: string;
  readonly count: number;
  readonly gates: number;
  readonly units: number;
  /** Units that a layer gives on, where a matrix reads them from its own (`proj_size`). */
  readonly projected: number | undefined;
  readonly directions: readonly string[];
  readonly biased: boolean;
}

function layersOf(checkpoint: CheckpointFacts): Layers {
  const modules = MODULES.filter((name) => checkpoint.has(`${name}weight_hh_l0`));
  if (modules.length !== 1)
    throw new SpecError(`model has recurrent layers in ${modules.length} modules, expected one; or pass a spec file`);
  const module = modules[0]!;
  const rows = checkpoint.size(`${module}weight_hh_l0`, 0)!;
  const isProjected = checkpoint.has(`${module}weight_hr_l0`);
  const units = checkpoint.size(`${module}weight_${isProjected ? "hr" : "hh"}_l0`, 1)!;
  const gates = checkpoint.divide(rows, units, "gates");
  if (KINDS[gates] === undefined || (isProjected && gates !== 4))
    throw new SpecError(`${module}weight_hh_l0 has ${gates} rows for each unit, expected 1, 3 or 4 (RNN, GRU, LSTM)`);
  return {
    ...{ module, gates, units, projected: isProjected ? checkpoint.size(`${module}weight_hr_l0`, 0) : undefined },
    count: checkpoint.count(`${module}weight_hh_l{L}`),
    directions: checkpoint.has(`${module}weight_hh_l0_reverse`) ? ["", "_reverse"] : [""],
    biased: checkpoint.has(`${module}bias_hh_l0`),
  };
}

/** Units of one layer and direction, what it gives on, and the axis of the outputs of all directions. */
const unitsAxis = (layer: number, direction: string): string => `H${layer}${direction}`;
const stateAxis = ({ projected }: Layers, layer: number, direction: string): string =>
  `${projected === undefined ? "H" : "P"}${layer}${direction}`;
const outputAxis = (layers: Layers, layer: number): string =>
  layers.directions.map((direction) => stateAxis(layers, layer, direction)).join("|");

/** The tensors of one layer and direction; gates are blocks of rows in one order of units. */
function cell(layers: Layers, layer: number, direction: string, input: string): TensorRows {
  const { module, gates, projected, biased } = layers;
  const name = (each: string): string => `${module}${each}_l${layer}${direction}`;
  const [units, state] = [unitsAxis(layer, direction), stateAxis(layers, layer, direction)];
  const rows = `${gates}*${units}`;
  const tensors: TensorRows = { [name("weight_ih")]: [rows, input], [name("weight_hh")]: [rows, state] };
  if (biased) Object.assign(tensors, { [name("bias_ih")]: [rows], [name("bias_hh")]: [rows] });
  if (projected !== undefined) tensors[name("weight_hr")] = [state, units];
  return tensors;
}

/** The only one of `names` that has a matrix; undefined when none has. */
function only(checkpoint: CheckpointFacts, names: readonly string[], what: string): string | undefined {
  const found = names.filter((name) => checkpoint.has(`${name}.weight`));
  if (found.length <= 1) return found[0];
  throw new SpecError(`model has ${found.join(" and ")}, expected one ${what}; or pass a spec file`);
}

/** Throws `SpecError` where the head does not read the outputs of the last layer. */
function checkHead(checkpoint: CheckpointFacts, layers: Layers, head: string): void {
  const outputs = (layers.projected ?? layers.units) * layers.directions.length;
  const reads = checkpoint.size(`${head}.weight`, 1);
  if (reads !== outputs)
    throw new SpecError(
      `${head}.weight reads ${reads} units, expected the ${outputs} of the last recurrent layer; or pass a spec file`,
    );
}

function layout(checkpoint: CheckpointFacts): TableLayout {
  const layers = layersOf(checkpoint);
  const { count, directions, gates, units } = layers;
  const head = only(checkpoint, HEADS, "head");
  const embedding = only(checkpoint, EMBEDDINGS, "table of embeddings");
  if (head === undefined)
    throw new SpecError(`model has no head (${HEADS.join(", ")}), expected one after its recurrent layers`);
  checkHead(checkpoint, layers, head);
  // Embeddings of the head's shape may be the head: then both have one order.
  const shape = (name: string): string => [0, 1].map((axis) => checkpoint.size(`${name}.weight`, axis)).join();
  const tied = embedding !== undefined && shape(embedding) === shape(head);
  const inputs = embedding === undefined ? "_" : tied ? outputAxis(layers, count - 1) : "E";
  const tensors: TensorRows = {};
  if (embedding !== undefined) tensors[`${embedding}.weight`] = ["_", inputs];
  for (let layer = 0; layer < count; layer++)
    for (const direction of directions)
      Object.assign(tensors, cell(layers, layer, direction, layer === 0 ? inputs : outputAxis(layers, layer - 1)));
  Object.assign(tensors, dense(head, "_", outputAxis(layers, count - 1), "maybe"));
  const roles: Record<string, PermutationRow> = {
    E: { role: "embedding" },
    "H{L}[_reverse]": { role: "recurrent" },
    "P{L}[_reverse]": { role: "projection" },
  };
  const both = directions.length === 2 ? "bidirectional " : "";
  return {
    permutations: roles,
    tensors,
    why: `${count} ${both}${KINDS[gates]} ${count === 1 ? "layer" : "layers"} of ${units} units`,
    assumptions: [`${head} reads the outputs of the last recurrent layer, or a mean or maximum of them`],
    frozen: tied ? ["embeddings have the head's shape and may be tied to it: their order is that of its inputs"] : [],
  };
}

export const recurrent: Table = {
  name: "recurrent",
  signs: [`[(${MODULE_NAMES.join("|")}).]weight_ih_l0`],
  layout,
};
