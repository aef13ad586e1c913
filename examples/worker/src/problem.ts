/** Errors as `application/problem+json` (RFC 9457): every one says what was wrong, so that its sender can put it right. */

import { FormatError, SpecError } from "rebasin";

const TITLES: Readonly<Record<number, string>> = {
  400: "Bad Request",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  411: "Length Required",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  422: "Unprocessable Content",
  424: "Failed Dependency",
  429: "Too Many Requests",
  500: "Internal Server Error",
};

/** Of `detail`. What a sender wrote may be in it, and may be as long as its request. */
const MAX_DETAIL = 1000;

/** What answers a request instead of a merged file. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, detail: string, headers: Readonly<Record<string, string>> = {}) {
    super(detail);
    this.status = status;
    this.headers = headers;
  }
}

export function problemResponse(error: unknown): Response {
  const { status, message, headers } = asProblem(error);
  const body = { type: "about:blank", title: TITLES[status] ?? "Error", status, detail: shorten(message) };
  return new Response(`${JSON.stringify(body)}\n`, {
    status,
    headers: { "content-type": "application/problem+json", "cache-control": "no-store", ...headers },
  });
}

/** Without its middle when it is long: what was found comes first, and what was expected last. */
function shorten(text: string): string {
  const half = MAX_DETAIL / 2;
  return text.length <= MAX_DETAIL ? text : `${text.slice(0, half)} … ${text.slice(-half)}`;
}

/** What the library throws about models, specs and options is about the request; anything else is a fault of this program. */
function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof FormatError || error instanceof SpecError) return new Problem(422, error.message);
  // λ out of range, NaN in a tensor, too much memory; dtypes that cannot be blended.
  if (error instanceof RangeError || error instanceof TypeError) return new Problem(422, error.message);
  console.error(error);
  return new Problem(500, "the worker failed, which its log explains");
}
