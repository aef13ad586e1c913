/** examples/worker/ in workerd, against clients that stall, break off or do not read, and servers that do not answer. */

import { createServer, type IncomingMessage, request } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Worker } from "../../scripts/runtimes/workerd.mjs";
import {
  A,
  B,
  bundleWorker,
  checkProblem,
  digestOf,
  form,
  idle,
  MERGED,
  post,
  postJson,
  start,
} from "./edge-worker.ts";
import { type FileServer, serveFiles } from "./file-server.ts";

const test = suite("examples/worker hostile");

let worker: Worker;
let files: FileServer;
test.before(async () => {
  files = await serveFiles({ "/models/a": A });
  worker = await start(await bundleWorker(), {
    ALLOWED_URLS: `${files.url}/`,
    MAX_WAITING: "1",
    MAX_SECONDS: "4",
    MAX_MEMORY: "400000000",
  });
});
test.after(() => {
  worker?.stop();
  files?.close();
});

/** Sends `text` and no more, and leaves the connection open or closes this direction; resolves to what comes back. */
function sendRaw(text: string, ending: "stall" | "close" = "stall"): Promise<Response> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(worker.url).port), "127.0.0.1");
    socket.setTimeout(30_000, () => socket.destroy(new Error("no answer, expected one")));
    socket.on("error", reject);
    let got = "";
    socket.setEncoding("utf8").on("data", (chunk) => {
      got += chunk;
      const [head, body] = got.split("\r\n\r\n");
      const length = /content-length: (\d+)/i.exec(head!);
      if (length === null || body === undefined || Buffer.byteLength(body) < Number(length[1])) return;
      socket.destroy();
      const type = /content-type: ([^\r]*)/i.exec(head!)![1]!;
      resolve(new Response(body, { status: Number(head!.split(" ")[1]), headers: { "content-type": type } }));
    });
    if (ending === "close") socket.end(text);
    else socket.write(text);
  });
}

const MULTIPART = "multipart/form-data; boundary=x";
const head = (type: string, length: number): string =>
  `POST /merge HTTP/1.1\r\nHost: x\r\nContent-Type: ${type}\r\nContent-Length: ${length}\r\n\r\n`;

test("an upload that stalls is refused all the same", async () => {
  const chunked = `POST /merge HTTP/1.1\r\nHost: x\r\nContent-Type: ${MULTIPART}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`;
  const cases: [text: string, status: number, detail: RegExp][] = [
    [`${head("text/plain", 1_000_000)}hello`, 415, /content type "text\/plain"/],
    [chunked, 411, /no Content-Length/],
    [`${head(MULTIPART, 999_999_999)}hello`, 413, /body of 999999999 bytes/],
    [`${head("multipart/form-data", 1_000_000)}hello`, 400, /boundary missing/],
    [`${head(MULTIPART, 1_000_000)}--x\r\n`, 408, /nothing came for 2000 ms, expected the rest/],
  ];
  for (const [text, status, detail] of cases) await checkProblem(text, await sendRaw(text), status, detail);
});

test("uploads that stall, however many, keep nobody waiting", async () => {
  const stalled = Array.from({ length: 10 }, () => sendRaw(`${head(MULTIPART, 1_000_000)}--x\r\n`));
  const merged = await post(worker, { body: form({ a: A, b: B }) });
  assert.is(merged.status, 200);
  assert.is(await digestOf(merged), MERGED);
  assert.equal(
    (await Promise.all(stalled)).map(({ status }) => status),
    stalled.map(() => 408),
  );
  await idle(worker);
});

test("an upload that stalls in its turn loses it", async () => {
  const begun = `${head(MULTIPART, 1_000_000)}--x\r\n${"x".repeat(70_000)}`;
  await checkProblem("70,000 bytes", await sendRaw(begun), 408, /nothing came for 2000 ms/);
  await idle(worker);
});

test("paths that servers read differently do not pass the list", async () => {
  const tricks = [
    "..;/b",
    ".;/b",
    "..;x=y/b",
    "%252e%252e/b",
    "%2e%2e;/b",
    "%c0%ae%c0%ae/b",
    "..%00/b",
    "%5c..%5cb",
    "a%0d%0ab",
    "%3b/b",
  ];
  for (const trick of tricks) {
    const answer = await postJson(worker, { a: `${files.url}/models/a`, b: `${files.url}/models/${trick}` });
    await checkProblem(trick, answer, 403, /not on the list/);
  }
});

test("no page of another origin reads an answer, unless CORS_ORIGINS says so", async () => {
  const origin = "https://app.example";
  const ask = (to: Worker, method: string): Promise<Response> =>
    fetch(to.url, { method, headers: { origin, "access-control-request-method": "POST" } });
  const header = "access-control-allow-origin";
  assert.equal([(await ask(worker, "GET")).headers.get(header), (await ask(worker, "OPTIONS")).status], [null, 405]);
  const folder = await bundleWorker();
  for (const [origins, wanted] of [
    ["https://other.example https://app.example", origin],
    ["*", "*"],
    ["https://no.example", null],
  ] as const) {
    const other = await start(folder, { CORS_ORIGINS: origins });
    try {
      const [page, before] = [await ask(other, "GET"), await ask(other, "OPTIONS")];
      assert.equal([page.headers.get(header), before.headers.get(header)], [wanted, wanted], origins);
      assert.is(before.status, wanted === null ? 405 : 204);
    } finally {
      other.stop();
    }
  }
});

test("an upload that breaks off is a 400", async () => {
  const what = `${head(MULTIPART, 1000)}hello`;
  await checkProblem(what, await sendRaw(what, "close"), 400, /body ends after 5 bytes, expected 1000/);
});

/** A web server that begins an answer and goes on no more, or does not begin. */
async function silentServer(path: string): Promise<{ url: string; close(): void }> {
  const server = createServer((asked, response) => {
    if (asked.url === "/silent") return;
    response.writeHead(206, { "content-range": "bytes 0-65535/100000" }).write("begins");
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

test("a URL whose server is silent is a 424 that says so", async () => {
  for (const path of ["/silent", "/stalls"]) {
    const server = await silentServer(path);
    const own = await start(await bundleWorker(), {
      ALLOWED_URLS: `${files.url}/ ${new URL("/", server.url).href}`,
      MAX_SECONDS: "1",
    });
    try {
      const response = await postJson(own, { a: `${files.url}/models/a`, b: server.url });
      await checkProblem(path, response, 424, new RegExp(`${path} was not read in time`));
    } finally {
      own.stop();
      server.close();
    }
  }
});

test("what can be refused without the files is: λ and both URLs, before any is read", async () => {
  const [a, b] = [`${files.url}/models/a`, `${files.url}/models/none`];
  files.asked.length = 0;
  const { host } = new URL(files.url);
  await checkProblem(
    "λ",
    await postJson(worker, { a, b, lambda: 1.5 }),
    422,
    /lambda 1\.5, expected a number from 0 to 1/,
  );
  for (const [url, detail] of [
    ["file:///etc/passwd", /^a file: URL is not on the list/],
    ["javascript:1", /^a javascript: URL is not on the list/],
    [`blob:http://${host}/models/b`, /^a blob: URL is not on the list/],
    ["https://elsewhere.example/b?token=secret", /^https:\/\/elsewhere\.example\/b is not on the list/],
  ] as const)
    await checkProblem(url, await postJson(worker, { a, b: url }), 403, detail);
  assert.equal(files.asked, []);
});

test("details are short, whatever the request says", async () => {
  const axes = [`${"P*".repeat(200_000)}P`, "_"];
  const spec = JSON.stringify({ format: "rebasin-spec/1", tensors: { "layers.0.weight": { axes } }, rest: "fixed" });
  const long = `https://elsewhere.example/${"x".repeat(400_000)}`;
  for (const [status, response] of [
    [422, await post(worker, { body: form({ a: A, b: B, spec }) })],
    [403, await postJson(worker, { a: long, b: long })],
  ] as const) {
    const { detail } = await response.clone().json();
    assert.ok(detail.length < 1100, `${detail.length} characters`);
    await checkProblem("long", response, status, / … /);
  }
});

test("takes blanks around a spec, and the encoding that is none", async () => {
  for (const spec of [" mlp ", "auto\n"])
    assert.is(await digestOf(await post(worker, { body: form({ a: A, b: B, spec }) })), MERGED);
  const headers = { "content-encoding": "identity", "content-type": "application/json" };
  await checkProblem("identity", await post(worker, { headers, body: "{}" }), 400, /a missing/);
  const unknown = await post(worker, { body: form({ a: A, b: B, spec: "transformer" }) });
  await checkProblem("family", unknown, 422, /"transformer" is unknown.* "auto" finds the family/);
});

/** A model larger than what lies between the worker and a client that does not read, and a spec that moves none of it. */
async function largeModel(): Promise<{ file: Uint8Array<ArrayBuffer>; spec: string }> {
  const { encodeSafetensors, memoryModel } = await import("rebasin");
  const data = new Uint8Array(20_000_000);
  const file = await encodeSafetensors(memoryModel(new Map([["w", { dtype: "U8", shape: [data.length], data }]])));
  return { file, spec: JSON.stringify({ format: "rebasin-spec/1", tensors: { w: { axes: ["_"] } } }) };
}

test("a client that does not read its answer loses its turn when time is up", async () => {
  const { file, spec } = await largeModel();
  const upload = new Request(worker.url, { method: "POST", body: form({ a: file, b: file, spec }) });
  const body = Buffer.from(await upload.arrayBuffer());
  const headers = { "content-type": upload.headers.get("content-type")!, "content-length": body.length };
  const sending = request(`${worker.url}merge`, { method: "POST", headers });
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    sending.on("response", resolve).on("error", reject).end(body);
  });
  try {
    assert.is(answer.statusCode, 200);
    answer.pause();
    await idle(worker);
    assert.is(await digestOf(await post(worker, { body: form({ a: A, b: B }) })), MERGED);
    const complete = await new Promise<boolean>((resolve) => {
      answer.on("error", () => undefined).on("close", () => resolve(answer.complete));
      answer.resume();
    });
    assert.not(complete, "a file that is cut off must not look whole");
  } finally {
    sending.destroy();
  }
});

test.run();
