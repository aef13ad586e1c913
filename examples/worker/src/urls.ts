/** Models by URL: only from the allow-list, redirects included, by ranges, and never more than allowed. */

import { urlSource } from "rebasin";
import { type Buffers, free } from "./buffers.ts";
import { Problem } from "./problem.ts";

/** Bytes that one range request asks for. */
const RANGE_BYTES = 4_194_304;
const MAX_REDIRECTS = 3;
/** Of one file: some for each range of it, as servers may send less than asked, but not byte by byte. */
const requestsFor = (limit: number): number => 20 + 4 * Math.ceil(limit / RANGE_BYTES);

/**
 * The file at a URL of `checkUrl`. Rejects with 403 where it redirects off the list, 413 beyond `limit`, and 424 for
 * whatever the other server does wrong, such as being silent until time is up.
 */
export async function readUrl(
  url: URL,
  limit: number,
  allowed: readonly URL[],
  buffers: Buffers,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const source = await urlSource(url, { signal, fetch: guardedFetch(allowed, requestsFor(limit)) });
    const { byteLength, name } = source;
    if (byteLength > limit) throw new Problem(413, `${name} has ${byteLength} bytes, expected at most ${limit}`);
    const file = buffers.allocate(byteLength);
    for (let start = 0; start < byteLength; start += RANGE_BYTES) {
      const part = await source.slice(start, Math.min(byteLength, start + RANGE_BYTES), signal);
      file.set(part, start);
      free(part.buffer as ArrayBuffer);
    }
    return file;
  } catch (error) {
    if (signal.reason instanceof DOMException && signal.reason.name === "TimeoutError")
      throw new Problem(424, `${shown(url)} was not read in time, expected a smaller file or a faster server`);
    // Problems of ours come back as causes, since the library takes them for a server that cannot be reached.
    const inner = error instanceof TypeError && error.cause instanceof Problem ? error.cause : error;
    if (inner instanceof TypeError) throw new Problem(424, inner.message);
    throw inner;
  }
}

/** Throws 400 for what is no URL and 403 for one that the list does not have. */
export function checkUrl(text: string, allowed: readonly URL[]): URL {
  if (!URL.canParse(text)) throw new Problem(400, `${JSON.stringify(text.slice(0, 80))}, expected a URL`);
  const url = new URL(text);
  const fits = allowed.some(({ origin, pathname }) => url.origin === origin && url.pathname.startsWith(pathname));
  if (fits && url.username === "" && url.password === "" && isPlainPath(url.pathname)) return url;
  throw new Problem(403, `${shown(url)} is not on the list of URLs that this worker reads`);
}

/**
 * Whether servers agree on where a path leads. Some take an escaped slash, dot or NUL for the character itself, or decode
 * twice, or drop what follows a semicolon, or read bytes that are no UTF-8 in their own way: and so leave the folder that
 * the list names.
 */
function isPlainPath(path: string): boolean {
  if (/%(2[ef]|5c|25|[01][0-9a-f]|7f|3b)/i.test(path)) return false;
  let text: string;
  try {
    text = decodeURIComponent(path);
  } catch {
    return false;
  }
  return !/[\\\p{Cc}\p{Cf}]/u.test(text) && text.split("/").every((part) => !/^\.{1,2}(;|$)/.test(part));
}

/** A URL in a message: without its query, which may be a secret. Only of http and https is the rest short and telling. */
function shown({ protocol, origin, pathname }: URL): string {
  return /^https?:$/.test(protocol) ? `${origin}${pathname}` : `a ${protocol} URL`;
}

/** `fetch` that follows redirects only on the list, and refuses whole files where a range was asked for. */
function guardedFetch(allowed: readonly URL[], most: number): typeof fetch {
  let requests = 0;
  return async (input, init) => {
    let url = String(input);
    for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
      if (++requests > most)
        throw new Problem(424, `${new URL(url).origin} took ${most} requests for a file, expected whole ranges`);
      const answer = await fetch(url, { ...init, redirect: "manual" });
      const location = answer.headers.get("location");
      if (answer.status >= 300 && answer.status < 400 && location !== null && URL.canParse(location, url)) {
        await answer.body?.cancel();
        url = checkUrl(new URL(location, url).href, allowed).href;
        continue;
      }
      if (answer.status !== 200 || init?.method === "HEAD") return answer;
      await answer.body?.cancel();
      throw new Problem(424, `${new URL(url).origin} answered with the whole file, expected the range asked for`);
    }
    throw new Problem(424, `${new URL(url).origin} redirects more than ${MAX_REDIRECTS} times, expected a file`);
  };
}
