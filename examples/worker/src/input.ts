/** What a request asks for: two files, and how to merge them. */

import { readBody, type Upload } from "./body.ts";
import type { Buffers } from "./buffers.ts";
import { type Limits, MAX_TEXT_BYTES } from "./limits.ts";
import { boundaryOf, parseMultipart } from "./multipart.ts";
import { Problem } from "./problem.ts";
import { checkUrl, readUrl } from "./urls.ts";

export interface Input {
  readonly a: Uint8Array<ArrayBufferLike>;
  readonly b: Uint8Array<ArrayBufferLike>;
  /** "auto", a family's name, or a parsed spec file. */
  readonly spec: string | object;
  readonly lambda: number;
}

const FIELDS = ["a", "b", "spec", "lambda"];

/** Room for boundaries, headers and text fields beside the files. */
const FORM_BYTES = MAX_TEXT_BYTES + 65_536;

const FORM = "multipart/form-data";

const typeOf = (request: Request): string =>
  (request.headers.get("content-type") ?? "").split(";")[0]!.trim().toLowerCase();

/** Bytes that the body of a request may have. Throws 415 for another content type. */
export function bodyLimit(request: Request, limits: Limits): number {
  const type = typeOf(request);
  const encoding = request.headers.get("content-encoding") ?? "identity";
  if (encoding.trim().toLowerCase() !== "identity")
    throw new Problem(415, `body with content encoding ${JSON.stringify(encoding)}, expected none`);
  if (type === FORM) {
    boundaryOf(request.headers.get("content-type")!);
    return limits.bytes + FORM_BYTES;
  }
  if (type === "application/json") return MAX_TEXT_BYTES;
  throw new Problem(415, `content type ${JSON.stringify(type)}, expected ${FORM} or application/json`);
}

/** The files are in `buffers`. */
export async function readInput(
  request: Request,
  upload: Upload,
  limits: Limits,
  buffers: Buffers,
  signal: AbortSignal,
): Promise<Input> {
  if (typeOf(request) !== FORM) return readJson(upload, limits, buffers, signal);
  return readForm(upload, boundaryOf(request.headers.get("content-type")!), limits, buffers);
}

async function readForm(upload: Upload, boundary: string, limits: Limits, buffers: Buffers): Promise<Input> {
  const parts = parseMultipart(await readBody(upload, buffers), boundary);
  checkFields([...parts.keys()]);
  const [a, b] = [parts.get("a"), parts.get("b")];
  if (a === undefined || b === undefined) throw new Problem(400, `field ${a ? "b" : "a"} missing, expected two files`);
  if (a.length + b.length > limits.bytes)
    throw new Problem(413, `files of ${a.length + b.length} bytes, expected at most ${limits.bytes} together`);
  const spec = textOf(parts, "spec")?.trim() ?? "auto";
  return { a, b, spec: spec.startsWith("{") ? parseJson(spec, "spec") : spec, lambda: lambdaOf(parts) };
}

function lambdaOf(parts: ReadonlyMap<string, Uint8Array>): number {
  const text = textOf(parts, "lambda")?.trim() ?? "0.5";
  if (text === "" || Number.isNaN(Number(text)))
    throw new Problem(400, `lambda ${JSON.stringify(text.slice(0, 80))}, expected a number`);
  return checkLambda(Number(text));
}

/** The library says the same, but only when the files are there. */
function checkLambda(lambda: number): number {
  if (lambda >= 0 && lambda <= 1) return lambda;
  throw new Problem(422, `lambda ${lambda}, expected a number from 0 to 1`);
}

function textOf(parts: ReadonlyMap<string, Uint8Array>, name: string): string | undefined {
  const bytes = parts.get(name);
  if (bytes === undefined) return undefined;
  if (bytes.length > MAX_TEXT_BYTES)
    throw new Problem(413, `field ${name} of ${bytes.length} bytes, expected at most ${MAX_TEXT_BYTES}`);
  return new TextDecoder().decode(bytes);
}

async function readJson(upload: Upload, limits: Limits, buffers: Buffers, signal: AbortSignal): Promise<Input> {
  const body = parseJson(new TextDecoder().decode(await readBody(upload, buffers)), "body");
  checkFields(Object.keys(body));
  const { a, b, spec = "auto", lambda = 0.5 } = body as Record<string, unknown>;
  if (typeof a !== "string" || typeof b !== "string")
    throw new Problem(400, `${typeof a === "string" ? "b" : "a"} missing or no text, expected a URL`);
  if (typeof spec !== "string" && !isObject(spec))
    throw new Problem(400, `spec is ${typeof spec}, expected a name or an object`);
  if (typeof lambda !== "number") throw new Problem(400, `lambda is ${typeof lambda}, expected a number`);
  checkLambda(lambda);
  const [urlA, urlB] = [checkUrl(a, limits.allowed), checkUrl(b, limits.allowed)];
  const fileA = await readUrl(urlA, limits.bytes, limits.allowed, buffers, signal);
  const fileB = await readUrl(urlB, limits.bytes - fileA.length, limits.allowed, buffers, signal);
  return { a: fileA, b: fileB, spec: typeof spec === "string" ? spec.trim() : spec, lambda };
}

function checkFields(names: readonly string[]): void {
  const unknown = names.find((name) => !FIELDS.includes(name));
  if (unknown !== undefined)
    throw new Problem(400, `field ${JSON.stringify(unknown.slice(0, 80))}, expected only ${FIELDS.join(", ")}`);
}

function parseJson(text: string, what: string): object {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Problem(400, `${what} is not valid JSON, expected an object`);
  }
  if (!isObject(value)) throw new Problem(400, `${what} is JSON but no object, expected an object`);
  return value;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
