/** What a checkpoint belongs to: the models, and all options that decide what a matching finds. */

import { modelDigest } from "../../base/model-digest.ts";
import { sha256Hex } from "../../base/sha256.ts";
import { VERSION } from "../../base/version.ts";
import type { LinearTerm } from "../costs/linear-term.ts";
import type { Outline } from "../costs/problem.ts";
import type { MatchedModels } from "../prepared.ts";

/** Options by name, with their defaults in place. */
export type DecidingOptions = Readonly<Record<string, string | number | boolean>>;

/** What a run is given. */
export interface RunFacts {
  readonly models: MatchedModels;
  readonly outline: Outline;
  readonly options: DecidingOptions;
  readonly start: readonly Int32Array[] | undefined;
  readonly linear: LinearTerm | undefined;
}

/** Everything that decides the result, each by its digest or in words. */
export type RunRecord = readonly (readonly [name: string, value: string])[];

/** Reads both models once. */
export async function recordRun(
  { models, outline, options, start, linear }: RunFacts,
  signal: AbortSignal | undefined,
): Promise<RunRecord> {
  const { tensors, permutations, chosen } = outline;
  return [
    ["version", VERSION],
    ["model A", await modelDigest(models.a, signal)],
    ["model B", await modelDigest(models.b, signal)],
    // Before the spec's tensors: what is left out is no permutation of theirs.
    ["only and except", await digestOf(JSON.stringify(chosen))],
    ["spec", await digestOf(JSON.stringify([tensors, permutations]))],
    ...Object.entries(options).map(([name, value]) => [name, String(value)] as const),
    ["start", await digestOf(...(start ?? []))],
    ["linear", await digestOf(String(linear?.share), ...[...(linear?.costs ?? [])].flat())],
  ];
}

/** The name of the first thing in which two runs differ; undefined where they are one. */
export function differenceOf(one: RunRecord, other: RunRecord): string | undefined {
  const [a, b] = [new Map(one), new Map(other)];
  return [...a.keys(), ...b.keys()].find((name) => a.get(name) !== b.get(name));
}

/** Of texts and arrays, one after the other. */
async function digestOf(...parts: readonly (string | Int32Array | Float32Array)[]): Promise<string> {
  const texts: string[] = [];
  for (const part of parts) {
    const bytes =
      typeof part === "string"
        ? new TextEncoder().encode(part)
        : new Uint8Array(part.buffer, part.byteOffset, part.byteLength);
    texts.push(await sha256Hex(Uint8Array.from(bytes)));
  }
  return texts.length === 1 ? texts[0]! : sha256Hex(new TextEncoder().encode(texts.join()));
}
