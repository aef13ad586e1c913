/** The header of NumPy's .npy files (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html). */

import { describe } from "../../base/describe.ts";
import { FormatError } from "../../base/errors.ts";

/** The content of a header, not yet checked. */
export interface NpyHeader {
  /** As NumPy writes it: `<f4`, `|u1`; text that begins with `[` for a structured type. */
  readonly descr: string;
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
  /** Where the data begins. */
  readonly dataStart: number;
}

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
/** By default NumPy itself reads no longer header than this. */
const MAX_HEADER = 10_000;
/** As many as NumPy allows. */
const MAX_AXES = 32;

/** This many first bytes of a file hold any header. */
export const NPY_HEAD_BYTES: number = 12 + MAX_HEADER;

/** True for bytes that start as .npy files do. */
export function isNpy(head: Uint8Array): boolean {
  return MAGIC.every((byte, i) => head[i] === byte);
}

/**
 * Parses a header. `bytes` is the file, or its first `NPY_HEAD_BYTES`; `name` begins messages.
 *
 * @throws {FormatError} for what is no header that NumPy writes
 *
 * @example
 * const { descr, shape, dataStart } = parseNpyHeader(bytes, "x.npy");
 */
export function parseNpyHeader(bytes: Uint8Array, name: string): NpyHeader {
  if (!isNpy(bytes)) {
    const found = Array.from(bytes.subarray(0, 6), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
    throw new FormatError(`${name} starts with ${found || "nothing"}, expected 93 4e 55 4d 50 59 (.npy)`);
  }
  const major = bytes[6] ?? 0;
  if (major < 1 || major > 3) throw new FormatError(`${name} format version ${major}, expected 1, 2 or 3`);
  const begin = major === 1 ? 10 : 12;
  if (bytes.length < begin) throw new FormatError(`${name} holds ${bytes.length} bytes, expected a header of ${begin}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > MAX_HEADER) throw new FormatError(`${name} header of ${length} bytes, expected at most ${MAX_HEADER}`);
  const dataStart = begin + length;
  if (bytes.length < dataStart)
    throw new FormatError(`${name} holds ${bytes.length} bytes, expected a header up to byte ${dataStart}`);
  // Version 3 is UTF-8, which only names of fields need; bytes that are none are no reason to refuse what NumPy reads.
  const text = new TextDecoder().decode(Uint8Array.from(bytes.subarray(begin, dataStart)));
  return { ...parseDictionary(text.trim(), name), dataStart };
}

/**
 * One key of a Python dictionary with its value: text, a truth, a tuple of numbers, or the list of a structured
 * type.
 */
const ENTRY =
  /^'(descr|fortran_order|shape)'\s*:\s*('[^']*'|True|False|\(\s*(?:\d+\s*(?:,\s*\d+\s*)*,?)?\s*\)|\[.*?\](?=\s*,\s*'(?:descr|fortran_order|shape)'|\s*,?\s*$))\s*(,|$)/s;

/** Exactly these three keys, each once and in any order. */
function parseDictionary(text: string, name: string): Omit<NpyHeader, "dataStart"> {
  const fault = (): FormatError =>
    new FormatError(
      `${name} header ${describe(text)}, expected {'descr': …, 'fortran_order': …, 'shape': (…)} as NumPy writes it`,
    );
  if (!text.startsWith("{") || !text.endsWith("}")) throw fault();
  const entries = new Map<string, string>();
  let rest = text.slice(1, -1).trim();
  while (rest !== "") {
    const match = ENTRY.exec(rest);
    if (match === null || entries.has(match[1]!)) throw fault();
    entries.set(match[1]!, match[2]!);
    rest = rest.slice(match[0].length).trim();
  }
  const [descr, order, shape] = ["descr", "fortran_order", "shape"].map((key) => entries.get(key) ?? "");
  if (!/^['[]/.test(descr!) || !/^[TF]/.test(order!) || !shape!.startsWith("(")) throw fault();
  return {
    descr: descr!.startsWith("'") ? descr!.slice(1, -1) : descr!,
    fortranOrder: order === "True",
    shape: parseShape(shape!, name, fault),
  };
}

function parseShape(text: string, name: string, fault: () => FormatError): number[] {
  const inner = text.slice(1, -1).trim();
  // `(3)` is a number in Python, not a tuple.
  if (/^\d+$/.test(inner)) throw fault();
  const shape = inner === "" ? [] : inner.replace(/,\s*$/, "").split(",").map(Number);
  if (shape.length > MAX_AXES) throw new FormatError(`${name} has ${shape.length} axes, expected at most ${MAX_AXES}`);
  const large = shape.find((size) => !Number.isSafeInteger(size));
  if (large !== undefined) throw new FormatError(`${name} has an axis of ${large}, expected at most 2^53-1`);
  return shape;
}

/** Where the header of a file ends that begins with these bytes; 0 for what is no .npy file. */
export function npyHeaderEnd(head: Uint8Array): number {
  if (!isNpy(head) || head.length < 12) return 0;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  return head[6] === 1 ? 10 + view.getUint16(8, true) : 12 + view.getUint32(8, true);
}
