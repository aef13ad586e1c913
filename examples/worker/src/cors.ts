/** Which pages may use the worker: none but its own, unless CORS_ORIGINS says so. */

import type { Env } from "./limits.ts";

/** Headers of answers that a page may read, beside those it always may. */
const EXPOSED = "content-digest, content-disposition, content-length, rebasin-objective, retry-after";
/** A browser asks again after a day. */
const MAX_AGE = "86400";

/** The value of Access-Control-Allow-Origin for this request; null for pages that are not on the list. */
function originOf(request: Request, { CORS_ORIGINS = "" }: Env): string | null {
  const allowed = CORS_ORIGINS.split(/\s+/).filter((text) => text !== "");
  if (allowed.includes("*")) return "*";
  const origin = request.headers.get("origin");
  return origin !== null && allowed.includes(origin) ? origin : null;
}

/** The answer to a browser that asks before it posts JSON; undefined for any other request, and for pages not on the list. */
export function preflight(request: Request, env: Env): Response | undefined {
  const asks = request.method === "OPTIONS" && request.headers.has("access-control-request-method");
  if (!asks || originOf(request, env) === null) return undefined;
  return new Response(null, {
    status: 204,
    headers: {
      "access-control-allow-methods": "GET, HEAD, POST",
      "access-control-allow-headers": "content-type",
      "access-control-max-age": MAX_AGE,
    },
  });
}

/** The response, with the headers by which a page on the list may read it. */
export function allowOrigin(response: Response, request: Request, env: Env): Response {
  if ((env.CORS_ORIGINS ?? "") === "") return response;
  const origin = originOf(request, env);
  // Whoever is not on the list must not be given what was cached for one that is.
  if (origin !== "*") response.headers.append("vary", "origin");
  if (origin === null) return response;
  response.headers.set("access-control-allow-origin", origin);
  response.headers.set("access-control-expose-headers", EXPOSED);
  return response;
}
