/** The worker that aligns. */

import { matchWeights, type Progress } from "../src/index.ts";
import type { AlignProgress, MatchCalls } from "./calls.ts";
import { type CallContext, serve } from "./rpc.ts";
import { openPair, startSession } from "./session.ts";

/** All processors but the one that the page needs: its charts and buttons must not wait for ours. */
const THREADS = Math.max(1, Math.min(8, navigator.hardwareConcurrency - 1));

serve<MatchCalls>({
  async align(request, { signal, progress }) {
    const { method, seed, memory } = request;
    const session = await startSession(await openPair(request), request.spec);
    const { a, b, spec } = session;
    const trace = traceOf(progress);
    const options = { method, seed, memory, threads: THREADS, signal, onProgress: trace.onProgress } as const;
    const { permutations, report } = await matchWeights(a, b, spec, options);
    const { frankWolfe, coordinate } = trace;
    return {
      report,
      permutations,
      spec: session.spec,
      frankWolfe,
      coordinate,
    };
  },
});

interface Trace {
  readonly frankWolfe: number[];
  readonly coordinate: number[];
  onProgress(progress: Progress): void;
}

/** Collects the objectives of each stage, and hands them on. */
function traceOf(report: CallContext<AlignProgress>["progress"]): Trace {
  const [frankWolfe, coordinate]: [number[], number[]] = [[], []];
  return {
    frankWolfe,
    coordinate,
    onProgress({ stage, done, total, objective }) {
      if (objective !== undefined) (stage === "frank-wolfe" ? frankWolfe : coordinate).push(objective);
      report({ stage, done, total, frankWolfe, coordinate });
    },
  };
}
