/**
 * `multipart/form-data` (RFC 7578) in a buffer: the parts are *views* of it, nothing is copied. `request.formData()` would
 * keep the files a second time, as Blobs, and a third time when these are read.
 */

import { Problem } from "./problem.ts";

/** Of one part: name and type of a file take a fraction of it. */
const MAX_HEADER_BYTES = 8192;
/** A form with more fields is none of ours. */
const MAX_PARTS = 16;

const [CR, LF, DASH] = [13, 10, 45];

/** The boundary of a `Content-Type` of `multipart/form-data`. Throws 400 without a sound one. */
export function boundaryOf(contentType: string): string {
  const match = /;\s*boundary=(?:"([^"]+)"|([^\s;"]+))/i.exec(contentType);
  const boundary = match?.[1] ?? match?.[2];
  if (boundary !== undefined && /^[\w'()+,./:=? -]{0,69}[\w'()+,./:=?-]$/.test(boundary)) return boundary;
  throw new Problem(400, "multipart boundary missing or malformed, expected 1 to 70 characters (RFC 2046)");
}

/** Parts by field name. Throws 400 for a body that is not complete and well-formed, and for a field that comes twice. */
export function parseMultipart(body: Uint8Array, boundary: string): Map<string, Uint8Array> {
  const delimiter = new TextEncoder().encode(`\r\n--${boundary}`);
  const parts = new Map<string, Uint8Array>();
  let at = firstDelimiter(body, delimiter);
  while (!(body[at] === DASH && body[at + 1] === DASH)) {
    const start = lineEnd(body, at);
    const end = find(body, start - 2, delimiter);
    if (end < 0) throw new Problem(400, "multipart body breaks off, expected a closing boundary");
    const { name, length } = readHeader(body.subarray(start, Math.max(start, end)));
    if (parts.has(name)) throw new Problem(400, `field ${JSON.stringify(name)} twice, expected once`);
    if (parts.size === MAX_PARTS) throw new Problem(400, `more than ${MAX_PARTS} fields, expected fewer`);
    parts.set(name, body.subarray(start + length, end));
    at = end + delimiter.length;
  }
  return parts;
}

/** Behind the first delimiter, before which there need not be a line, but may be. */
function firstDelimiter(body: Uint8Array, delimiter: Uint8Array): number {
  if (startsWith(body, 0, delimiter.subarray(2))) return delimiter.length - 2;
  const at = find(body, 0, delimiter);
  if (at < 0) throw new Problem(400, "multipart body has no boundary, expected it at the beginning");
  return at + delimiter.length;
}

/** Behind a boundary: blanks at most, then the end of its line. */
function lineEnd(body: Uint8Array, from: number): number {
  let at = from;
  while (body[at] === 32 || body[at] === 9) at++;
  if (body[at] === CR && body[at + 1] === LF) return at + 2;
  throw new Problem(400, "multipart boundary is followed by other bytes, expected the end of a line");
}

/** The field's name, and the bytes that the header takes with the blank line behind it. */
function readHeader(part: Uint8Array): { name: string; length: number } {
  const head = part.subarray(0, MAX_HEADER_BYTES);
  const end = find(head, 0, Uint8Array.of(CR, LF, CR, LF));
  if (end < 0) throw new Problem(400, `multipart part without a header of at most ${MAX_HEADER_BYTES} bytes`);
  const lines = new TextDecoder().decode(head.subarray(0, end)).split("\r\n");
  const disposition = lines.find((line) => /^content-disposition:/i.test(line)) ?? "";
  if (lines.some((line) => /^content-transfer-encoding:\s*(?!binary|8bit|7bit)/i.test(line)))
    throw new Problem(400, "multipart part with a transfer encoding, expected its bytes as they are");
  const name = /^[^:]*:\s*form-data\s*;(?:.*;)?\s*name="([^"]*)"/i.exec(disposition)?.[1];
  if (name === undefined) throw new Problem(400, 'multipart part without a name, expected form-data; name="…"');
  return { name, length: end + 4 };
}

/** Where `wanted` begins in `bytes` at or after `from`; −1 if nowhere. */
function find(bytes: Uint8Array, from: number, wanted: Uint8Array): number {
  for (let at = bytes.indexOf(wanted[0]!, from); at >= 0; at = bytes.indexOf(wanted[0]!, at + 1)) {
    if (startsWith(bytes, at, wanted)) return at;
  }
  return -1;
}

function startsWith(bytes: Uint8Array, at: number, wanted: Uint8Array): boolean {
  for (let i = 0; i < wanted.length; i++) if (bytes[at + i] !== wanted[i]) return false;
  return true;
}
