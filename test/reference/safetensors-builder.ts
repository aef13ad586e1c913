/** Builds safetensors files by hand, the malformed ones too: it shares no code with the reader or the writer. */

/** Text as UTF-8. */
export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** Arrays end to end. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
}

/** An unsigned 64-bit number, little-endian. */
export function u64(value: number | bigint): Uint8Array<ArrayBuffer> {
  let rest = BigInt(value);
  return Uint8Array.from({ length: 8 }, () => {
    const byte = Number(rest & 255n);
    rest >>= 8n;
    return byte;
  });
}

/** Bytes 1, 2, 3, … (so that a shifted read shows). */
export function counting(length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, i) => (i + 1) % 256);
}

/** A file of this header text (or bytes), with its true length or a false one, and this many bytes of data. */
export function safetensorsFile(
  header: string | Uint8Array,
  dataBytes = 0,
  length?: number | bigint,
): Uint8Array<ArrayBuffer> {
  const bytes = typeof header === "string" ? utf8(header) : header;
  return concat(u64(length ?? bytes.length), bytes, counting(dataBytes));
}

/** One tensor of a header, as JSON text; any part may be any text. */
export function entry(name: string, dtype: string, shape: string, offsets: string): string {
  return `${JSON.stringify(name)}:{"dtype":${JSON.stringify(dtype)},"shape":${shape},"data_offsets":${offsets}}`;
}

/** A small sound file: metadata, two tensors of 6 and 4 bytes of data. */
export function smallFile(): Uint8Array<ArrayBuffer> {
  const tensors = [entry("a", "U8", "[2,3]", "[0,6]"), entry("b.weight", "F16", "[2]", "[6,10]")];
  return safetensorsFile(`{"__metadata__":{"by":"hand"},${tensors.join(",")}}`, 10);
}
