/**
 * What edge workers have in place of `decode-hex.ts`: their builds are modules, of which no text needs to be decoded.
 */

import type { decodeHex as anywhere } from "./decode-hex.ts";

export const decodeHex: typeof anywhere = () => {
  throw new TypeError("wasm build is text, expected a module");
};
