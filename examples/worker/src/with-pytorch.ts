/** The worker that reads PyTorch's files, too: `npx wrangler deploy src/with-pytorch.ts`. */

import { pytorch } from "rebasin/formats";
import { createWorker } from "./create-worker.ts";

export default createWorker([pytorch]);
