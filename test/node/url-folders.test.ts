import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { FormatError } from "../../src/base/errors.ts";
import { openModel } from "../../src/formats/open-model.ts";
import { urlFiles } from "../../src/io/url-files.ts";
import { rejects } from "../reference/expect-error.ts";
import { indexOf, shardOf } from "../reference/memory-files.ts";
import { utf8 } from "../reference/safetensors-builder.ts";

const test = suite("folders on a server");

/** Serves files by their paths, whole; with the query that was asked for in `asked`. */
async function withServer(
  files: Readonly<Record<string, Uint8Array>>,
  work: (base: string, asked: string[]) => Promise<void>,
): Promise<void> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url!);
    const file = files[decodeURIComponent(new URL(request.url!, "http://x").pathname)];
    if (file === undefined) response.writeHead(404, "Not Found").end("none");
    else response.writeHead(200, { "content-length": file.length }).end(file);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

const INDEX = "/hf/model.safetensors.index.json";
const files = {
  [INDEX]: utf8(indexOf({ a: "x.safetensors", b: "50% of it/y?#.safetensors" })),
  "/hf/x.safetensors": shardOf({ a: [1] }),
  "/hf/50% of it/y?#.safetensors": shardOf({ b: [2] }),
};

test("the shards beside an index are asked for by name, with its query", () =>
  withServer(files, async (base, asked) => {
    const model = await openModel(new URL(`${base}${INDEX}?token=1`));
    assert.equal([...(await model.read("b"))], [2]);
    assert.is(model.name, base + INDEX);
    assert.ok(
      asked.every((path) => path.endsWith("?token=1")),
      asked.join(),
    );
  }));

test("a shard that the server does not have is missing; another failure is the server's", () =>
  withServer({ [INDEX]: files[INDEX]!, "/hf/x.safetensors": shardOf({ a: [1] }) }, async (base) => {
    await rejects(
      () => openModel(new URL(base + INDEX)),
      FormatError,
      /names 50% of it\/y\?#\.safetensors, which is not there \(1 of its 2 shards are\)/,
    );
  }));

test("paths that lead out are refused before anything is asked for", () =>
  withServer(files, async (base, asked) => {
    const beside = urlFiles(new URL(base + INDEX));
    assert.is(beside.name, `${base}/hf/`);
    for (const path of ["../secret", "/secret", "https://example.org/x", "//example.org/x", "%2e%2e/../x"])
      await rejects(() => beside.open(path), FormatError, /expected a path inside/);
    assert.equal(asked, []);
    assert.is(await beside.open("%2e%2e/secret"), undefined);
    assert.equal(asked, ["/hf/%252e%252e/secret"]);
  }));

test.run();
