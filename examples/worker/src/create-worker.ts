/** The worker: POST /merge, GET /health, and a text that says so. */

import type { OpenOptions } from "rebasin";
import { beginUpload, drain, drainRest, type Upload } from "./body.ts";
import { createBuffers } from "./buffers.ts";
import { allowOrigin, preflight } from "./cors.ts";
import { bodyLimit, readInput } from "./input.ts";
import { type Env, type Limits, readLimits } from "./limits.ts";
import type { MemoryUse } from "./measure.ts";
import { merge } from "./merge.ts";
import { Problem, problemResponse } from "./problem.ts";
import { createQueue } from "./queue.ts";

/** Of Cloudflare's runtime: keeps a request's work alive when its client has gone. */
interface Context {
  waitUntil(work: Promise<unknown>): void;
}

type Route = (request: Request, env: Env, context: Context) => Response | Promise<Response>;

const usage = (
  formats: Formats,
): string => `rebasin: aligns two networks of one architecture and merges them (github.com: Git Re-Basin)

POST /merge   two files in, ${["safetensors", ...formats.map(({ name }) => name)].join(" or ")}, the merged one out as safetensors
  multipart/form-data: files "a" and "b"; optional "spec" (family or JSON) and "lambda" (0 to 1, default 0.5)
  application/json:    {"a": URL, "b": URL, "spec"?, "lambda"?}, of URLs that this worker may read
  curl -F a=@a.safetensors -F b=@b.safetensors -o merged.safetensors WORKER/merge
GET /health   is it there, and how much does it have to do
`;

/** Formats that are read beside safetensors. */
export type Formats = NonNullable<OpenOptions["formats"]>;

const queue = createQueue();

type Routes = Readonly<Record<string, Readonly<Record<string, Route>>>>;

const routesFor = (formats: Formats, memory?: MemoryUse): Routes => ({
  "/": { GET: () => new Response(usage(formats), { headers: { "content-type": "text/plain; charset=utf-8" } }) },
  "/health": {
    GET: () => Response.json({ ok: true, merges: queue.length, ...(memory && { memory: memory.report() }) }),
  },
  "/merge": { POST: (...words) => mergeRoute(formats, ...words) },
});

/**
 * A worker that reads safetensors and `formats`, each of which makes it larger: what an isolate reads when it starts. With
 * `memory` it tells what merges take.
 */
export function createWorker(formats: Formats = [], memory?: MemoryUse): { fetch: Route } {
  const routes = routesFor(formats, memory);
  return {
    async fetch(request, env, context) {
      return allowOrigin(preflight(request, env) ?? (await respond(routes, request, env, context)), request, env);
    },
  };
}

async function respond(routes: Routes, request: Request, env: Env, context: Context): Promise<Response> {
  try {
    const { pathname } = new URL(request.url);
    const methods = routes[pathname];
    if (methods === undefined)
      throw new Problem(404, `no ${pathname} here, expected ${Object.keys(routes).join(", ")}`);
    const route = methods[request.method === "HEAD" ? "GET" : request.method];
    if (route !== undefined) return await route(request, env, context);
    const allow = Object.keys(methods)
      .flatMap((name) => (name === "GET" ? ["GET", "HEAD"] : [name]))
      .join(", ");
    throw new Problem(405, `${request.method} ${pathname}, expected ${allow}`, { allow });
  } catch (error) {
    return problemResponse(error);
  }
}

async function mergeRoute(formats: Formats, request: Request, env: Env, context: Context): Promise<Response> {
  const limits = readLimits(env);
  const timeout = AbortSignal.timeout(limits.seconds * 1000);
  const work = answer(formats, request, limits, AbortSignal.any([request.signal, timeout]));
  // Whatever becomes of the client, the turn must end, or nobody else would ever have one.
  context.waitUntil(work.then(({ done }) => done).catch(() => undefined));
  try {
    return (await work).response;
  } catch (error) {
    // Nobody reads this, and nothing has failed.
    if (request.signal.aborted)
      throw new Problem(400, "connection closed, expected a client that waits for its answer");
    await drain(request, 2 * limits.bytes);
    if (error instanceof Problem || !timeout.aborted) throw error;
    throw new Problem(408, `not merged within ${limits.seconds} s, expected smaller files or a faster connection`);
  }
}

/** The response, and a promise of its end, when the next merge may begin. */
async function answer(
  formats: Formats,
  request: Request,
  limits: Limits,
  signal: AbortSignal,
): Promise<{ response: Response; done: Promise<void> }> {
  const upload = await beginUpload(request, bodyLimit(request, limits), signal);
  try {
    return await mergeUpload(formats, request, upload, limits, signal);
  } catch (error) {
    // Its sender reads no answer before it has sent all.
    if (!request.signal.aborted) await drainRest(upload, 2 * limits.bytes);
    throw error;
  }
}

async function mergeUpload(
  formats: Formats,
  request: Request,
  upload: Upload,
  limits: Limits,
  signal: AbortSignal,
): ReturnType<typeof answer> {
  const endTurn = await queue.enter(limits.waiting, 2 * limits.seconds, signal);
  const buffers = createBuffers();
  const end = (): void => {
    buffers.release();
    endTurn();
  };
  try {
    const input = await readInput(request, upload, limits, buffers, signal);
    // What the files leave, even the largest: memory of wasm does not shrink, and may be left from a merge before.
    const { headers, body, sent } = await merge(input, formats, limits.memory - limits.bytes, signal);
    return { response: new Response(body, { headers }), done: sent.finally(end) };
  } catch (error) {
    end();
    throw error;
  }
}
