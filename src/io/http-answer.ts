/** One HTTP request and what its answer must look like. Everything here throws `TypeError`, as `fetch` does. */

import { describe } from "../base/describe.ts";

/** What is asked: `name` is for messages, `href` goes to `fetch`. */
export interface Remote {
  readonly name: string;
  readonly href: string;
  readonly headers: HeadersInit | undefined;
  readonly fetch: typeof fetch;
}

export type Answer = Response;

/** Requests a byte range (exclusive `end`), or with `range` undefined only the headers (`HEAD`). */
export async function request(
  remote: Remote,
  range: { readonly start: number; readonly end: number } | undefined,
  signal?: AbortSignal,
): Promise<Answer> {
  signal?.throwIfAborted();
  const headers = new Headers(remote.headers);
  if (range !== undefined) headers.set("range", `bytes=${range.start}-${range.end - 1}`);
  const send = remote.fetch; // not called as a method: browsers refuse a foreign `this`
  try {
    return await send(remote.href, { method: range ? "GET" : "HEAD", headers, signal: signal ?? null });
  } catch (cause) {
    signal?.throwIfAborted();
    throw new TypeError(`${remote.name} cannot be reached (${reasonOf(cause)}), expected an answer`, { cause });
  }
}

/** The error of an answer that is neither 200 nor 206; lets go of its connection. */
export async function statusFault(remote: Remote, answer: Answer): Promise<TypeError> {
  await answer.body?.cancel();
  const text = answer.statusText ? ` ${answer.statusText}` : "";
  const fault = new TypeError(`${remote.name} answered ${answer.status}${text}, expected 200 or 206`);
  if (answer.status === 404 || answer.status === 410) MISSING.add(fault);
  return fault;
}

/** Errors of files that the server does not have. */
const MISSING = new WeakSet<object>();

/** True when opening failed because the server has no such file. */
export function isMissing(error: unknown): boolean {
  return MISSING.has(error as object);
}

/** `Content-Range` of a 206; `end` is exclusive here. */
export interface ContentRange {
  readonly start: number;
  readonly end: number;
  readonly total: number | undefined;
}

/** Reads `Content-Range`; undefined when there is none (across origins it may be hidden). */
export function contentRange(remote: Remote, answer: Answer): ContentRange | undefined {
  const text = answer.headers.get("content-range");
  if (text === null) return undefined;
  const match = /^bytes (\d{1,16})-(\d{1,16})\/(\d{1,16}|\*)$/.exec(text.trim());
  const [start, last, total] = match ? match.slice(1).map(Number) : [];
  const isSound = start !== undefined && start <= last! && !(total! <= last!) && !(total! > Number.MAX_SAFE_INTEGER);
  if (!isSound) {
    throw new TypeError(`${remote.name} answered Content-Range ${describe(text)}, expected "bytes start-end/size"`);
  }
  return { start, end: last! + 1, total: match![3] === "*" ? undefined : total };
}

/**
 * Reads the body of a 206 that was asked to begin at `start` into `target`. Returns how many bytes came: fewer than
 * asked for are allowed if the answer's headers declare it or are hidden; none, or more, are refused.
 */
export async function readInto(
  remote: Remote,
  answer: Answer,
  start: number,
  target: Uint8Array,
  signal?: AbortSignal,
): Promise<number> {
  const range = contentRange(remote, answer);
  if (range !== undefined && (range.start !== start || range.end > start + target.length)) {
    await answer.body?.cancel();
    const asked = `bytes ${start} to ${start + target.length}`;
    throw new TypeError(`${remote.name} answered with bytes ${range.start} to ${range.end}, expected ${asked}`);
  }
  const want = range === undefined ? target.length : range.end - range.start;
  const got = await fill(remote, answer, target.subarray(0, want), signal);
  if (got === 0 || (range !== undefined && got < want)) {
    throw new TypeError(`${remote.name} answer broke off after ${got} bytes, expected ${want}`);
  }
  return got;
}

/** Reads the whole body of a 200, checked against its `Content-Length` where that counts the same bytes. */
export async function readWhole(remote: Remote, answer: Answer, signal?: AbortSignal): Promise<Uint8Array> {
  const bytes = new Uint8Array(await guarded(remote, () => answer.arrayBuffer(), signal));
  const length = answer.headers.get("content-length");
  // With a content encoding the length is that of the compressed body.
  if (length !== null && !answer.headers.has("content-encoding") && Number(length) !== bytes.length) {
    throw new TypeError(`${remote.name} answer broke off after ${bytes.length} bytes, expected ${length}`);
  }
  return bytes;
}

/** Streams a body into `target`; never more than fits, even if the server sends more. */
async function fill(remote: Remote, answer: Answer, target: Uint8Array, signal?: AbortSignal): Promise<number> {
  const reader = answer.body?.getReader();
  if (reader === undefined) return 0;
  let filled = 0;
  for (;;) {
    const { done, value } = await guarded(remote, () => reader.read(), signal);
    if (done) return filled;
    if (filled + value.length > target.length) {
      await reader.cancel();
      throw new TypeError(`${remote.name} answered with more than ${target.length} bytes, expected ${target.length}`);
    }
    target.set(value, filled);
    filled += value.length;
  }
}

/** Runs one step of reading a body; a connection that breaks becomes a message that names the URL. */
async function guarded<T>(remote: Remote, read: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    signal?.throwIfAborted();
    throw new TypeError(`${remote.name} answer broke off (${reasonOf(cause)}), expected all of it`, { cause });
  }
}

/** The innermost message of a chain of causes: "fetch failed" alone helps nobody. */
function reasonOf(error: unknown): string {
  let inner = error;
  for (let depth = 0; depth < 5 && inner instanceof Error && inner.cause instanceof Error; depth++) inner = inner.cause;
  return inner instanceof Error ? inner.message || inner.name : String(inner);
}
