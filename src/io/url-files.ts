/** The files beside a file on a web server. */

import type { ByteSource } from "./byte-source.ts";
import { checkInnerPath, type Files } from "./files.ts";
import { isMissing } from "./http-answer.ts";
import { type UrlSourceOptions, urlSource } from "./url-source.ts";

/**
 * The files beside `url`, with its query, which may be a token. A server is asked for each by name; nothing is listed.
 * Redirects are the server's to make; only the path that is asked for stays in the folder.
 *
 * @example
 * urlFiles(new URL("https://example.org/hf/model.safetensors.index.json")).name; // "https://example.org/hf/"
 */
export function urlFiles(url: URL, options: UrlSourceOptions = {}): Files {
  const base = new URL(".", url);
  const name = `${base.origin === "null" ? base.protocol : base.origin}${base.pathname}`;
  return {
    name,
    async open(path, signal): Promise<ByteSource | undefined> {
      checkInnerPath(path, name);
      const inside = new URL(path.split("/").map(encodeURIComponent).join("/"), base);
      inside.search = url.search;
      try {
        return await urlSource(inside, { ...options, ...(signal && { signal }) });
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    },
  };
}
