/** A web server with files by path, that knows ranges or does not, and redirects. */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface FileServer {
  readonly url: string;
  /** What was asked for, "path range". */
  readonly asked: string[];
  close(): void;
}

/** A file that is text is the address of a redirect; below /whole/ ranges are not known. */
export async function serveFiles(files: Readonly<Record<string, Uint8Array | string>>): Promise<FileServer> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? "/";
    asked.push(`${path} ${request.headers.range}`);
    const file = files[path];
    if (file === undefined) return void response.writeHead(404).end("no such file");
    if (typeof file === "string") return void response.writeHead(302, { location: file }).end();
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
    if (range === null || path.startsWith("/whole/")) return void response.writeHead(200).end(file);
    if (file.length === 0) return void response.writeHead(416, { "content-range": "bytes */0" }).end();
    const [start, end] = [Number(range[1]), Math.min(Number(range[2]) + 1, file.length)];
    response.writeHead(206, { "content-range": `bytes ${start}-${end - 1}/${file.length}` });
    response.end(file.subarray(start, end));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
