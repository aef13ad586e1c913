/**
 * Takes the place of sha256.ts in edge workers, which always have `crypto.subtle`: they read all of their code at
 * every start.
 */

/** The digest in lower-case hexadecimal. */
export async function sha256Hex(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
