/** The merge, repaired by least squares: fitted on the first half of the images, measured on the second. */

import { firstImages, subset } from "../src/data.ts";
import { writeModel } from "../src/formats.ts";
import { applyPermutations, matchMetadata, mergeModels } from "../src/index.ts";
import { planMetadata } from "../src/plan.ts";
import { repairModel } from "../src/repair.ts";
import { evaluateModel } from "../src/tf.ts";
import type { EvaluateCalls, RepairOutcome, RepairRequest } from "./calls.ts";
import { readImages } from "./curves.ts";
import { planOfForm } from "./form-plan.ts";
import type { CallContext } from "./rpc.ts";
import { openBlob } from "./session.ts";
import { blobSink } from "./sinks.ts";

export async function repairMerge(
  request: RepairRequest,
  { signal, progress }: CallContext<EvaluateCalls["repair"]["progress"]>,
): Promise<RepairOutcome> {
  const { bound: spec, found, form, format } = request;
  const { lambda, blend } = form;
  const data = await readImages(request.data, signal);
  const half = Math.floor(data.count / 2);
  const [fitted, measured] = [
    firstImages(data, half),
    subset(
      data,
      Array.from({ length: data.count - half }, (_, i) => half + i),
    ),
  ];
  const [a, b] = [await openBlob(request.a), await openBlob(request.b)];
  const plan = planOfForm(request, found.report, { ...form, fitted: half });
  const metadata = new Map([...matchMetadata(found.report), ...(await planMetadata(plan, [a, b], signal))]);
  const merged = await mergeModels(a, b, spec, found.permutations, { lambda, blend, metadata });
  const aligned = await applyPermutations(b, spec, found.permutations);
  const { model } = await repairModel(merged, [a, aligned], fitted, {
    kind: "least-squares",
    weights: [1 - lambda, lambda],
    signal,
    onProgress: ({ done, total = 0 }) => progress({ done, total }),
  });
  const before = await evaluateModel(merged, measured, { signal });
  const after = await evaluateModel(model, measured, { signal });
  const sink = blobSink();
  const notes = await writeModel(model, sink, { format, signal });
  return {
    blob: sink.blob(),
    notes,
    fitted: fitted.count,
    measured: measured.count,
    before: before.accuracy,
    after: after.accuracy,
  };
}
