/** The worker for tests: GET /health says how much memory merges took. */

import { createWorker } from "./create-worker.ts";
import { measureMemory } from "./measure.ts";

export default createWorker([], measureMemory());
