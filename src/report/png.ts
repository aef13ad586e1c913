/**
 * Pictures of numbers as PNG (RFC 2083): eight-bit palette images, stored without compression, so that every
 * runtime writes the same bytes.
 */

const MAX_STORED = 65_535;

/** CRC-32 of a chunk's type and data, as PNG has it. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

/** Adler-32, the checksum at the end of a zlib stream. */
function adler32(bytes: Uint8Array): number {
  let [a, b] = [1, 0];
  for (const byte of bytes) {
    a = (a + byte) % 65_521;
    b = (b + a) % 65_521;
  }
  return b * 65_536 + a;
}

const uint32 = (value: number): number[] => [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];

function joined(parts: readonly ArrayLike<number>[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function chunk(type: string, data: ArrayLike<number>): Uint8Array {
  const body = joined([Array.from(type, (letter) => letter.charCodeAt(0)), data]);
  return joined([uint32(data.length), body, uint32(crc32(body))]);
}

/** A zlib stream of stored blocks. */
function zlibStored(bytes: Uint8Array): Uint8Array {
  const parts: ArrayLike<number>[] = [[0x78, 0x01]];
  for (let start = 0; start === 0 || start < bytes.length; start += MAX_STORED) {
    const block = bytes.subarray(start, start + MAX_STORED);
    const [low, high] = [block.length & 255, block.length >> 8];
    parts.push([start + MAX_STORED >= bytes.length ? 1 : 0, low, high, low ^ 255, high ^ 255], block);
  }
  return joined([...parts, uint32(adler32(bytes))]);
}

/**
 * A PNG whose pixel (x, y) has colour `palette[pixels[y·width + x]]`. Returns a fresh array.
 * `palette` has at most 256 entries of red, green and blue.
 */
export function encodePng(
  { width, height, pixels }: { readonly width: number; readonly height: number; readonly pixels: Uint8Array },
  palette: readonly (readonly [number, number, number])[],
): Uint8Array {
  const rows = new Uint8Array(height * (width + 1)); // each row starts with its filter: none
  for (let y = 0; y < height; y++) rows.set(pixels.subarray(y * width, (y + 1) * width), y * (width + 1) + 1);
  const [eightBits, paletteColours] = [8, 3];
  return joined([
    [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
    chunk("IHDR", [...uint32(width), ...uint32(height), eightBits, paletteColours, 0, 0, 0]),
    chunk("PLTE", palette.flat()),
    chunk("IDAT", zlibStored(rows)),
    chunk("IEND", []),
  ]);
}

/** A `data:` URL of a PNG. */
export function pngUrl(png: Uint8Array): string {
  let binary = "";
  for (const byte of png) binary += String.fromCharCode(byte);
  return `data:image/png;base64,${btoa(binary)}`;
}
