/** The worker that reads files and makes new ones: everything but aligning, running the networks and drawing. */

import { removePrivateFiles, writeModel } from "../src/formats.ts";
import {
  type Blend,
  DTYPES,
  elementCount,
  type Model,
  matchMetadata,
  mergeModels,
  type Progress,
  permutationsModel,
  writeSafetensors,
} from "../src/index.ts";
import { costValues } from "../src/measure.ts";
import { planMetadata } from "../src/plan.ts";
import type { FileCalls } from "./calls.ts";
import { serve } from "./rpc.ts";
import {
  differencesOf,
  openBlob,
  openPair,
  type Session,
  startSession,
  summariseModel,
  summarisePair,
} from "./session.ts";
import { blobSink, openOutput } from "./sinks.ts";

let session: Session | null = null;
let turn = 0;

// The page starts this worker when it opens. What other tabs still use stays.
removePrivateFiles().catch(() => undefined);

function current(): Session {
  if (session === null) throw new Error("no pair is open, expected two checkpoints first");
  return session;
}

serve<FileCalls>({
  async inspect(file, { signal }) {
    return summariseModel(await openBlob(file, signal), file.blob.size);
  },
  async prepare(request) {
    session = null;
    const mine = ++turn;
    const pair = await openPair(request);
    const differences = differencesOf(pair);
    if (differences !== null) return differences;
    const opened = await startSession(pair, request.spec);
    // The page may have asked for another pair meanwhile.
    if (mine === turn) session = opened;
    return summarisePair(opened);
  },
  async cost({ permutation, permutations }, { signal }) {
    const { a, b, spec } = current();
    const { size, before, after } = await costValues(a, b, spec, permutations, permutation, { signal });
    return { size, before: before.buffer, after: after.buffer };
  },
  async merge({ found, plan, format, target }, { signal, progress }) {
    const { a, b, spec, given } = current();
    const { method, lambda } = plan.blend!;
    const made = await planMetadata(plan, given, signal);
    const metadata = new Map([...matchMetadata(found.report), ...made]);
    const how = { lambda: lambda as number, blend: method as Blend, metadata };
    const merged = await mergeModels(a, b, spec, found.permutations, how);
    const bytes = bytesOf(merged);
    const { sink, blob, inMemory } = await openOutput(target, bytes);
    const onProgress = ({ done, total = 0 }: Progress): void =>
      progress({ done, total, inMemory: inMemory ? bytes : undefined });
    const notes = await writeModel(merged, sink, { format, signal, onProgress });
    return { blob: await blob(), notes };
  },
  async permutations(permutations) {
    return { blob: await asBlob(await permutationsModel(current().spec, permutations)) };
  },
});

/** Of all tensors. */
const bytesOf = ({ tensors }: Model): number =>
  [...tensors.values()].reduce((sum, { dtype, shape }) => sum + (DTYPES[dtype].bits * elementCount(shape)) / 8, 0);

async function asBlob(model: Model): Promise<Blob> {
  const sink = blobSink();
  await writeSafetensors(model, sink);
  return sink.blob();
}
