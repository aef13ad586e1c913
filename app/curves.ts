/** The line between two networks, evaluated: with B as it is, and with B aligned. */

import { type Dataset, readIdxImages } from "../src/data.ts";
import { type AlignedPair, blendsOf, type CurvePoint, lambdas } from "../src/measure.ts";
import { createNetwork, evaluateNetwork } from "../src/tf.ts";
import type { CurveRequest, CurveResult, DataRequest, EvaluateCalls } from "./calls.ts";
import type { CallContext } from "./rpc.ts";
import { openPair } from "./session.ts";

/**
 * The images of two IDX files, gzipped or not. Rejects with `FormatError` for files that are none, or not of each
 * other.
 */
export async function readImages({ images, labels }: DataRequest, signal: AbortSignal): Promise<Dataset> {
  const [pixels, classes] = await Promise.all([images.blob.arrayBuffer(), labels.blob.arrayBuffer()]);
  signal.throwIfAborted();
  return readIdxImages(
    { name: images.name, bytes: new Uint8Array(pixels) },
    { name: labels.name, bytes: new Uint8Array(classes) },
  );
}

/** Both lines, point by point in turn, so that they grow side by side. */
export async function* walkLines(
  pair: AlignedPair,
  data: Dataset,
  points: number,
  signal: AbortSignal,
): AsyncGenerator<readonly [naive: CurvePoint, aligned: CurvePoint]> {
  const modelAt = await blendsOf(pair, { signal });
  const network = await createNetwork(await modelAt(0, "naive"));
  const evaluateAt = async (lambda: number, line: "naive" | "aligned"): Promise<CurvePoint> => {
    await network.load(await modelAt(lambda, line));
    return { lambda, ...(await evaluateNetwork(network, data, { signal })) };
  };
  try {
    for (const lambda of lambdas(points)) {
      const naive = await evaluateAt(lambda, "naive");
      // Both begin at A.
      yield [naive, lambda === 0 ? naive : await evaluateAt(lambda, "aligned")];
    }
  } finally {
    network.dispose();
  }
}

/** Loss and accuracy along both lines, for a chart. */
export async function sampleLines(
  request: CurveRequest,
  { signal, progress }: CallContext<EvaluateCalls["curve"]["progress"]>,
): Promise<CurveResult> {
  const { spec, permutations, points: total } = request;
  const data = await readImages(request.data, signal);
  const pair = { ...(await openPair(request)), spec, permutations };
  const [naive, aligned]: [CurvePoint[], CurvePoint[]] = [[], []];
  const result: CurveResult = {
    curves: [
      { name: "naive", points: naive },
      { name: "aligned", points: aligned },
    ],
    data: `${data.count.toLocaleString("en")} images of ${data.name}`,
  };
  for await (const [point, alignedPoint] of walkLines(pair, data, total, signal)) {
    naive.push(point);
    aligned.push(alignedPoint);
    progress({ ...result, done: naive.length, total });
  }
  return result;
}
