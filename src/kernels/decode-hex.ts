/** Wasm builds are in the bundles as text. */

/** The bytes that an even number of lower-case hexadecimal digits means. */
export function decodeHex(hex: string): Uint8Array<ArrayBuffer> {
  // A loop over characters takes longer than compiling what they stand for, so every host's own way is tried first.
  const native = Uint8Array as { fromHex?: (hex: string) => Uint8Array<ArrayBuffer> };
  if (native.fromHex !== undefined) return native.fromHex(hex);
  const { Buffer } = globalThis as { Buffer?: { from(text: string, encoding: "hex"): Uint8Array<ArrayBuffer> } };
  if (Buffer !== undefined) return Buffer.from(hex, "hex");
  return decodeDigits(hex);
}

/** @internal */
export function decodeDigits(hex: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(hex.length / 2);
  const digit = (code: number): number => code - (code > 57 ? 87 : 48);
  for (let i = 0; i < bytes.length; i++)
    bytes[i] = 16 * digit(hex.charCodeAt(2 * i)) + digit(hex.charCodeAt(2 * i + 1));
  return bytes;
}
