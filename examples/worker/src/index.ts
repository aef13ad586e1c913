/** The worker as it is deployed by default: it reads safetensors. */

import { createWorker } from "./create-worker.ts";

export default createWorker();
