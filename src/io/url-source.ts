/**
 * A file on a web server as a source: HTTP range requests through `fetch`.
 *
 * The first request asks for the first 64 KiB, which shows the size and whether the server supports ranges, and usually
 * includes the whole header of a model. A server without range support answers with everything, which is then kept in
 * memory: the whole file is downloaded once.
 */

import { checkRange } from "./byte-range.ts";
import { type ByteSource, bytesSource } from "./byte-source.ts";
import { type Answer, contentRange, type Remote, readInto, readWhole, request, statusFault } from "./http-answer.ts";

/** `signal` stops the opening (each slice takes its own); `headers` go out with every request. */
export interface UrlSourceOptions {
  readonly signal?: AbortSignal | undefined;
  /** Instead of the global one: for retries, credentials or tests. */
  readonly fetch?: typeof fetch | undefined;
  readonly headers?: HeadersInit | undefined;
}

const FIRST_BYTES = 65536;

/**
 * Opens a URL (http, https, data, blob). Slices are copies.
 *
 * Without range support on the server the whole body is read at once and held in memory. Across origins a server must
 * allow the request (CORS); when it does not expose `Content-Range`, the size is asked for with a `HEAD` request.
 *
 * Messages and `name` leave out the query, which may be a secret.
 *
 * @throws {TypeError} as `fetch` does, for failures that may be temporary: a server that cannot be reached, a status
 * other than success, a broken answer or another range. Also for a file that changes between requests (`ETag`,
 * `Last-Modified` or size).
 *
 * @example
 * const model = await openModel(await urlSource("https://example.org/model.safetensors"));
 */
export async function urlSource(url: string | URL, options: UrlSourceOptions = {}): Promise<ByteSource> {
  const remote = describeRemote(url, options);
  const { signal } = options;
  const answer = await request(remote, { start: 0, end: FIRST_BYTES }, signal);
  if (answer.status === 416 && answer.headers.get("content-range")?.trim() === "bytes */0") {
    await answer.body?.cancel();
    return bytesSource(new Uint8Array(0), remote.name);
  }
  if (answer.status === 200) return bytesSource(await readWhole(remote, answer, signal), remote.name);
  if (answer.status !== 206) throw await statusFault(remote, answer);
  const size = contentRange(remote, answer)?.total ?? (await sizeByHead(remote, signal));
  const first = new Uint8Array(Math.min(size, FIRST_BYTES));
  const filled = await readInto(remote, answer, 0, first, signal);
  return rangeSource(remote, { size, tag: tagOf(answer) }, first.subarray(0, filled));
}

/** What must stay the same from answer to answer. */
interface Version {
  readonly size: number;
  readonly tag: string | undefined;
}

function rangeSource(remote: Remote, version: Version, first: Uint8Array): ByteSource {
  // Set if the server stops honouring ranges and sends everything.
  let whole: Uint8Array | undefined;

  /** Reads from `start` into `target`, as much as one answer brings; returns how much that was. */
  const readPart = async (start: number, target: Uint8Array, signal?: AbortSignal): Promise<number> => {
    const answer = await request(remote, { start, end: start + target.length }, signal);
    if (answer.status !== 200 && answer.status !== 206) throw await statusFault(remote, answer);
    const total = answer.status === 206 ? contentRange(remote, answer)?.total : undefined;
    await checkVersion(remote, version, { size: total ?? version.size, tag: tagOf(answer) }, answer);
    if (answer.status === 206) return readInto(remote, answer, start, target, signal);
    const bytes = await readWhole(remote, answer, signal);
    await checkVersion(remote, version, { size: bytes.length, tag: undefined }, answer);
    whole = bytes;
    target.set(bytes.subarray(start, start + target.length));
    return target.length;
  };

  return {
    name: remote.name,
    byteLength: version.size,
    async slice(start, end, signal) {
      signal?.throwIfAborted();
      checkRange(remote.name, version.size, start, end);
      if (end <= first.length) return first.slice(start, end);
      if (whole !== undefined) return whole.slice(start, end);
      const bytes = new Uint8Array(end - start);
      // A server may answer a range with less than was asked for; the rest is asked for again.
      for (let filled = 0; filled < bytes.length; ) {
        filled += await readPart(start + filled, bytes.subarray(filled), signal);
      }
      return bytes;
    },
  };
}

async function checkVersion(remote: Remote, expected: Version, got: Version, answer: Answer): Promise<void> {
  const sameTag = expected.tag === undefined || got.tag === undefined || got.tag === expected.tag;
  if (sameTag && got.size === expected.size) return;
  if (!answer.bodyUsed) await answer.body?.cancel();
  const [is, was] = sameTag
    ? [`${got.size} bytes`, `${expected.size} bytes`]
    : [`version ${got.tag}`, `version ${expected.tag}`];
  throw new TypeError(`${remote.name} changed while it was read: ${is}, expected ${was} as at first`);
}

function tagOf(answer: Answer): string | undefined {
  // Weak or strong, the same tag; some servers switch when they compress.
  const tag = answer.headers.get("etag")?.replace(/^W\//, "");
  return tag ?? answer.headers.get("last-modified") ?? undefined;
}

async function sizeByHead(remote: Remote, signal?: AbortSignal): Promise<number> {
  const answer = await request(remote, undefined, signal);
  if (!answer.ok) throw await statusFault(remote, answer);
  const text = answer.headers.get("content-length") ?? "";
  const size = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(size)) return size;
  throw new TypeError(
    `${remote.name} size unknown (Content-Length "${text}"), expected a Content-Range or Content-Length`,
  );
}

function describeRemote(url: string | URL, options: UrlSourceOptions): Remote {
  const href = String(url);
  // A relative URL is left to fetch, which knows the page's address.
  const parsed = URL.canParse(href) ? new URL(href) : undefined;
  if (parsed?.protocol === "file:") {
    throw new TypeError(`${href} is a file URL, expected http, https, data or blob (files: rebasin/node)`);
  }
  const isHttp = parsed?.protocol === "http:" || parsed?.protocol === "https:";
  const name = isHttp ? `${parsed.origin}${parsed.pathname}` : href.replace(/[?#,].*$/s, "");
  return { name, href, headers: options.headers, fetch: options.fetch ?? globalThis.fetch };
}
