/** The worker that reads, aligns and merges: everything but running the networks and drawing. */

import { writeSafetensors } from "../io/safetensors-write.ts";
import type { ByteSink } from "../io/sink.ts";
import { matchWeights } from "../match/match-weights.ts";
import { mergeModels } from "../merge/merge-models.ts";
import { permutationsModel } from "../perm/file.ts";
import { matchMetadata } from "../rebasin.ts";
import type { Model } from "../tensor.ts";
import type { AlignCalls, AlignProgress } from "./calls.ts";
import { costValues } from "./cost-values.ts";
import { type CallContext, serve } from "./rpc.ts";
import {
  type Found,
  fittedSpec,
  openBlob,
  openSession,
  type Session,
  summariseModel,
  summarisePair,
} from "./session.ts";
import { blobSink, fileHandleSink } from "./sinks.ts";

let session: Session | null = null;
let found: Found | null = null;

function current(): Session {
  if (session === null) throw new Error("no pair is open, expected two checkpoints first");
  return session;
}

function currentFound(): Found {
  if (found === null) throw new Error("the pair is not aligned, expected it to be aligned first");
  return found;
}

serve<AlignCalls>({
  async inspect(file, { signal }) {
    return summariseModel(await openBlob(file, signal), file.blob.size);
  },
  async prepare(request) {
    [session, found] = [null, null];
    session = await openSession(request);
    return summarisePair(session);
  },
  async align({ method, seed }, { signal, progress }) {
    const pair = current();
    found = null;
    const trace = traceOf(progress);
    const options = { method, seed, threads: "auto", signal, onProgress: trace.onProgress } as const;
    const { permutations, report } = await matchWeights(pair.a, pair.b, pair.spec, options);
    found = { permutations, report, seed };
    const { frankWolfe, coordinate } = trace;
    return { report: { ...report, spec: pair.specName }, permutations, spec: fittedSpec(pair), frankWolfe, coordinate };
  },
  async cost({ permutation }, { signal }) {
    return costValues(current(), currentFound().permutations, permutation, signal);
  },
  async merge({ lambda, blend, target }, { signal, progress }) {
    const { a, b, spec } = current();
    const { permutations, report, seed } = currentFound();
    const metadata = matchMetadata(report, seed);
    const merged = await mergeModels(a, b, spec, permutations, { lambda, blend, metadata });
    const options = {
      signal,
      onProgress: ({ done, total = 0 }: { done: number; total?: number }) => progress({ done, total }),
    };
    if (target === undefined) return { blob: await asBlob(merged, options) };
    await writeSafetensors(merged, await fileHandleSink(target), options);
    return { blob: null };
  },
  async permutations() {
    return { blob: await asBlob(await permutationsModel(fittedSpec(current()), currentFound().permutations)) };
  },
});

/** Collects the objectives of each stage, and hands them on. */
function traceOf(progress: CallContext<AlignProgress>["progress"]) {
  const [frankWolfe, coordinate]: [number[], number[]] = [[], []];
  return {
    frankWolfe,
    coordinate,
    onProgress({ stage, done, total, objective }: Parameters<NonNullable<MatchProgress>>[0]): void {
      if (objective !== undefined) (stage === "frank-wolfe" ? frankWolfe : coordinate).push(objective);
      progress({ stage, done, ...(total === undefined ? {} : { total }), frankWolfe, coordinate });
    },
  };
}

type MatchProgress = NonNullable<Parameters<typeof matchWeights>[3]>["onProgress"];

/** The whole file, its tensors handed to the browser one by one. */
async function asBlob(model: Model, options: Parameters<typeof writeSafetensors>[2] = {}): Promise<Blob> {
  const sink: ByteSink & { blob(): Blob } = blobSink();
  await writeSafetensors(model, sink, options);
  return sink.blob();
}
