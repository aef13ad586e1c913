/** Two registries on this machine: npm's, with one tarball in it, and JSR's, which takes and gives what `deno publish` sends. */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { basename } from "node:path";
import { gunzipSync } from "node:zlib";

export interface Registry {
  readonly url: string;
  close(): void;
}

async function serve(listener: RequestListener): Promise<Registry> {
  const server = createServer(listener);
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** What `npm publish` of this tarball would give: a manifest with one version, and the tarball. */
export function npmRegistry(tarball: string, manifest: { name: string; version: string }): Promise<Registry> {
  const bytes = readFileSync(tarball);
  const integrity = `sha512-${createHash("sha512").update(bytes).digest("base64")}`;
  return serve((request, response) => {
    if (request.url === `/${basename(tarball)}`) return void response.end(bytes);
    if (request.url !== `/${manifest.name}`) return void response.writeHead(404).end("{}");
    const dist = { tarball: `http://${request.headers.host}/${basename(tarball)}`, integrity };
    const { name, version } = manifest;
    const document = { name, "dist-tags": { latest: version }, versions: { [version]: { ...manifest, dist } } };
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(document));
  });
}

/** JSR's publishing interface, which takes everything at once, and its registry interface (jsr.io/docs/api). */
export async function jsrRegistry(): Promise<Registry> {
  /** By path: what was published, and what is made of it. */
  const files = new Map<string, Uint8Array | string>();
  return serve(async (request, response) => {
    const url = request.url ?? "/";
    response.setHeader("content-type", url.endsWith(".ts") ? "application/typescript" : "application/json");
    const upload = /^\/api\/scopes\/(.+)\/packages\/(.+)\/versions\/([^?]+)\?/.exec(url);
    if (request.method === "POST" && upload !== null) {
      keep(files, `@${upload[1]}/${upload[2]}`, upload[3]!, untar(gunzipSync(await bodyOf(request))));
      return void response.end(JSON.stringify({ id: "00000000-0000-0000-0000-000000000000", status: "success" }));
    }
    if (/^\/api\/.*\/versions\//.test(url))
      return void response.writeHead(404).end('{"code":"packageVersionNotFound","message":"not yet"}');
    if (url.startsWith("/api/")) return void response.end(JSON.stringify({ scope: "rebasin", name: "rebasin" }));
    const file = files.get(url);
    if (file === undefined) response.writeHead(404);
    response.end(file);
  });
}

function keep(
  files: Map<string, Uint8Array | string>,
  name: string,
  version: string,
  published: ReadonlyMap<string, Uint8Array>,
): void {
  const manifest: Record<string, { size: number; checksum: string }> = {};
  for (const [path, bytes] of published) {
    files.set(`/${name}/${version}/${path}`, bytes);
    const checksum = `sha256-${createHash("sha256").update(bytes).digest("hex")}`;
    manifest[`/${path}`] = { size: bytes.length, checksum };
  }
  const { exports } = JSON.parse(Buffer.from(published.get("jsr.json")!).toString());
  files.set(`/${name}/${version}_meta.json`, JSON.stringify({ manifest, exports }));
  files.set(
    `/${name}/meta.json`,
    JSON.stringify({ name: name.split("/")[1], latest: version, versions: { [version]: {} } }),
  );
}

/** The files of a tar archive, with paths below 100 characters: blocks of 512 bytes, a header before each file. */
function untar(archive: Uint8Array): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  const text = (from: number, to: number): string => {
    const bytes = archive.subarray(from, to);
    const end = bytes.indexOf(0);
    return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end))
      .toString()
      .trim();
  };
  for (let at = 0; at + 512 <= archive.length && archive[at] !== 0; ) {
    const size = Number.parseInt(text(at + 124, at + 136), 8);
    const isFile = ["", "0"].includes(text(at + 156, at + 157));
    if (isFile) files.set(text(at, at + 100), archive.subarray(at + 512, at + 512 + size));
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
