/** The worker with TensorFlow.js: it runs networks on images, and trains them. */

import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import { env } from "@tensorflow/tfjs-core";
import type { EvaluateCalls } from "./calls.ts";
import { sampleLines } from "./curves.ts";
import { serve } from "./rpc.ts";

// Its .wasm files lie beside the page. One thread: workers of a worker are more than small networks gain by.
setWasmPaths(new URL("tf/", import.meta.url).href);
env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);

serve<EvaluateCalls>({
  curve: (request, context) => sampleLines(request, context),
  async repair(request, context) {
    const { repairMerge } = await import("./repair-merge.ts");
    return repairMerge(request, context);
  },
  async train(request, context) {
    const { trainPair } = await import("./train-pair.ts");
    return trainPair(request, context);
  },
});
