import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { FormatError } from "../../src/base/errors.ts";
import { memoryModel } from "../../src/base/memory-model.ts";
import { openModel } from "../../src/formats/open-model.ts";
import { encodeSafetensors } from "../../src/formats/safetensors/write-safetensors.ts";
import { urlSource } from "../../src/io/url-source.ts";
import { rejects, sameBytes } from "../reference/expect-error.ts";
import { counting } from "../reference/safetensors-builder.ts";

const test = suite("url-source over a local server");
const data = counting(300_000);
const tensors = new Map([
  ["big", { dtype: "U8", shape: [data.length], data }],
  ["last", { dtype: "U8", shape: [3], data: counting(3) }],
] as const);

/** Serves `file` at /ranges, /plain (no ranges), /broken (closes half way), /slow (never ends); else 404. */
function handle(file: Uint8Array, seen: string[]) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    seen.push(`${request.url} ${request.headers.range}`);
    const match = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
    const [start, end] = match ? [Number(match[1]), Math.min(Number(match[2]) + 1, file.length)] : [0, file.length];
    const part = file.subarray(start, end);
    const ranged = {
      "content-range": `bytes ${start}-${end - 1}/${file.length}`,
      "content-length": part.length,
      etag: '"1"',
    };
    if (request.url === "/ranges") response.writeHead(206, ranged).end(part);
    else if (request.url === "/plain") response.writeHead(200, { "content-length": file.length }).end(file);
    else if (request.url === "/broken" && start === 0) response.writeHead(206, ranged).end(part);
    else if (request.url === "/broken")
      response.writeHead(206, ranged).write(part.subarray(0, 100), () => response.destroy());
    else if (request.url === "/slow" && start === 0) response.writeHead(206, ranged).end(part);
    else if (request.url === "/slow") response.writeHead(206, ranged).write(part.subarray(0, 100));
    else response.writeHead(404, "Not Found").end("nothing here");
  };
}

async function withServer(work: (base: string, file: Uint8Array, seen: string[]) => Promise<void>): Promise<void> {
  const file = await encodeSafetensors(memoryModel(tensors));
  const seen: string[] = [];
  const server: Server = createServer(handle(file, seen));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, file, seen);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

test("a model on a server with ranges: only what is asked for travels", () =>
  withServer(async (base, file, seen) => {
    const model = await openModel(new URL(`${base}/ranges`));
    sameBytes(await model.read("last"), counting(3));
    const end = file.length;
    assert.equal(seen, ["/ranges bytes=0-65535", `/ranges bytes=${end - 3}-${end - 1}`]);
    sameBytes(await model.read("big"), data);
    assert.is(seen.length, 3);
  }));

test("a model on a server without ranges is read whole, once", () =>
  withServer(async (base, file, seen) => {
    const model = await openModel(new URL(`${base}/plain`));
    for (const [name, tensor] of tensors) sameBytes(await model.read(name), tensor.data, name);
    assert.is(seen.length, 1);
    assert.is((await urlSource(`${base}/plain`)).byteLength, file.length);
  }));

test("a missing file is an error with URL and status", () =>
  withServer(async (base) => {
    const error = await rejects(() => openModel(new URL(`${base}/none?key=secret`)), TypeError, /answered 404/);
    assert.is(error.message, `${base}/none answered 404 Not Found, expected 200 or 206`);
    assert.not.ok(error instanceof FormatError, "it may be there later");
  }));

test("a connection that breaks off is an error that names the URL", () =>
  withServer(async (base) => {
    const model = await openModel(new URL(`${base}/broken`));
    const error = await rejects(() => model.read("big"), TypeError, /answer broke off/);
    assert.ok(error.message.startsWith(`${base}/broken `), error.message);
  }));

test("an abort ends a read that would never end", () =>
  withServer(async (base) => {
    const model = await openModel(new URL(`${base}/slow`));
    const controller = new AbortController();
    setTimeout(() => controller.abort(new SyntaxError("enough")), 50);
    await rejects(() => model.read("big", controller.signal), SyntaxError, /^enough$/);
  }));

test("nobody listening is an error that names the URL", async () => {
  let base = "";
  await withServer(async (url) => {
    base = url;
  });
  await rejects(
    () => openModel(new URL(`${base}/ranges`)),
    TypeError,
    /^http:\/\/127\.0\.0\.1:\d+\/ranges cannot be reached \(.*\), expected an answer$/,
  );
});

test.run();
