/** What a training needs in order to resume, as a model: any file format of models keeps it. */

import * as tf from "@tensorflow/tfjs-core";
import { memoryModel, type TensorData } from "../../base/memory-model.ts";
import type { Model } from "../../base/model.ts";
import { sha256Hex } from "../../base/sha256.ts";

/** What is counted, and what has to be the same when the training resumes. */
export interface TrainingPosition {
  readonly epoch: number;
  readonly step: number;
  readonly seed: number;
  readonly batch: number;
  readonly images: number;
}

const POSITION = "training.position";
/** Metadata: the SHA-256 of all tensors. */
const DIGEST = "training.digest";
/** More than any training takes; so many are skipped in a moment. */
const MOST_STEPS = 1e9;
const FIELDS = ["epoch", "step", "seed", "batch", "images"] as const;

/** Tensors of the network and of the optimizer by the names they have in a checkpoint. */
export function checkpointVariables(
  network: ReadonlyMap<string, tf.Variable>,
  optimizer: ReadonlyMap<string, tf.Variable>,
): Map<string, tf.Variable> {
  const variables = new Map<string, tf.Variable>();
  for (const [name, variable] of network) variables.set(`network.${name}`, variable);
  for (const [name, variable] of optimizer) variables.set(`optimizer.${name}`, variable);
  return variables;
}

/** A copy of the variables, exactly as they are (float32, TensorFlow's layout), and the position. */
export async function writeCheckpoint(
  name: string,
  variables: ReadonlyMap<string, tf.Variable>,
  position: TrainingPosition,
): Promise<Model> {
  const tensors = new Map<string, TensorData>();
  const numbers = FIELDS.map((field) => position[field]);
  tensors.set(POSITION, { dtype: "F64", shape: [FIELDS.length], data: littleEndian(numbers, 8) });
  for (const [each, variable] of variables) {
    const values = await variable.data<"float32">();
    tensors.set(each, { dtype: "F32", shape: variable.shape, data: littleEndian(values, 4) });
  }
  const digest = digestOf([...tensors].map(([each, { data }]) => [each, data] as const));
  return memoryModel(tensors, { name: `checkpoint of ${name}`, metadata: new Map([[DIGEST, digest]]) });
}

/** Of names and bytes, in any order. */
function digestOf(tensors: readonly (readonly [name: string, data: Uint8Array])[]): string {
  const lines: string[] = [];
  for (const [name, data] of tensors) lines.push(`${JSON.stringify(name)} ${sha256Hex(data)}`);
  return sha256Hex(new TextEncoder().encode(lines.sort().join("\n")));
}

/**
 * Sets the variables to those of a checkpoint and returns its position. Nothing is changed unless all of it fits.
 * Throws `RangeError` when tensors are missing, of other shapes or too many, or the position is another training's or
 * none. Also when the bytes are not those that were written (by their digest).
 */
export async function readCheckpoint(
  checkpoint: Model,
  variables: ReadonlyMap<string, tf.Variable>,
  expected: Omit<TrainingPosition, "epoch" | "step">,
): Promise<TrainingPosition> {
  const position = await readPosition(checkpoint);
  await checkDigest(checkpoint);
  for (const field of ["seed", "batch", "images"] as const) {
    if (position[field] !== expected[field])
      throw new RangeError(
        `${checkpoint.name} has ${field} ${position[field]}, expected ${expected[field]} as in this training`,
      );
  }
  const extra = [...checkpoint.tensors.keys()].find((name) => name !== POSITION && !variables.has(name));
  if (extra !== undefined)
    throw new RangeError(`${checkpoint.name} has tensor ${extra}, expected those of this network and optimizer`);
  const contents = new Map<string, Float32Array>();
  for (const [name, { shape }] of variables) {
    const info = checkpoint.tensors.get(name);
    if (info === undefined)
      throw new RangeError(`${checkpoint.name} has no tensor ${name}, expected it in a checkpoint`);
    if (info.dtype !== "F32" || info.shape.join() !== shape.join())
      throw new RangeError(
        `${checkpoint.name} tensor ${name} is ${info.dtype} [${info.shape.join(", ")}], expected F32 [${shape.join(", ")}]`,
      );
    contents.set(name, Float32Array.from(numbersOf(await checkpoint.read(name), 4)));
  }
  for (const [name, variable] of variables)
    tf.tidy(() => variable.assign(tf.tensor(contents.get(name)!, variable.shape)));
  return position;
}

async function checkDigest(checkpoint: Model): Promise<void> {
  const digest = checkpoint.metadata.get(DIGEST);
  if (digest === undefined)
    throw new RangeError(`${checkpoint.name} has no ${DIGEST} in its metadata, expected a checkpoint`);
  const tensors: [string, Uint8Array][] = [];
  for (const name of checkpoint.tensors.keys()) tensors.push([name, await checkpoint.read(name)]);
  if (digestOf(tensors) !== digest)
    throw new RangeError(`${checkpoint.name} is damaged (its digest is another), expected it as it was written`);
}

async function readPosition(checkpoint: Model): Promise<TrainingPosition> {
  const info = checkpoint.tensors.get(POSITION);
  if (info?.dtype !== "F64" || info.shape.join() !== String(FIELDS.length))
    throw new RangeError(`${checkpoint.name} has no tensor ${POSITION} of ${FIELDS.length} F64, expected a checkpoint`);
  const [epoch, step, seed, batch, images] = numbersOf(await checkpoint.read(POSITION), 8) as [
    number,
    number,
    number,
    number,
    number,
  ];
  for (const [field, value] of [
    ["epoch", epoch],
    ["step", step],
  ] as const)
    if (!(Number.isSafeInteger(value) && value >= 0 && value <= MOST_STEPS))
      throw new RangeError(`${checkpoint.name} has ${field} ${value}, expected a whole number from 0 to ${MOST_STEPS}`);
  return { epoch, step, seed, batch, images };
}

function littleEndian(values: ArrayLike<number>, bytes: 4 | 8): Uint8Array {
  const data = new Uint8Array(bytes * values.length);
  const view = new DataView(data.buffer);
  for (let i = 0; i < values.length; i++) {
    if (bytes === 4) view.setFloat32(4 * i, values[i]!, true);
    else view.setFloat64(8 * i, values[i]!, true);
  }
  return data;
}

function numbersOf(data: Uint8Array, bytes: 4 | 8): number[] {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  return Array.from({ length: data.length / bytes }, (_, i) =>
    bytes === 4 ? view.getFloat32(4 * i, true) : view.getFloat64(8 * i, true),
  );
}
