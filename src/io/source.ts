/** Every byte source that runs everywhere. Files of Node, Deno and Bun are in `src/node/file-source.ts`. */

export { type ByteSource, blobSource, bytesSource } from "./byte-source.ts";
export { type UrlSourceOptions, urlSource } from "./url-source.ts";
