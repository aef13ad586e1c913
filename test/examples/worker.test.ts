/** examples/worker/ in workerd: what it merges, what it refuses, and what it does when many come or one goes away. */

import { request } from "node:http";
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

const test = suite("examples/worker");

let worker: Worker;
let files: FileServer;
test.before(async () => {
  files = await serveFiles({
    "/models/a": A,
    "/models/b": B,
    "/models/there": "/models/b",
    "/models/away": "/elsewhere/b",
    "/models/around": "/models/around",
    "/models/page": Buffer.from("<!doctype html><title>not here</title>"),
    "/models/large": new Uint8Array(3_000_000),
    "/models/empty": new Uint8Array(0),
    "/elsewhere/b": B,
    "/whole/b": B,
  });
  worker = await start(await bundleWorker(), {
    ALLOWED_URLS: `${files.url}/models/ ${files.url}/whole/ http://127.0.0.1:1/`,
    MAX_BYTES: "2000000",
    MAX_WAITING: "4",
  });
});
test.after(() => {
  worker?.stop();
  files?.close();
});

test("merges two uploaded files to the digest of every runtime", async () => {
  const response = await post(worker, { body: form({ a: A, b: B }) });
  assert.is(response.status, 200);
  assert.is(response.headers.get("content-type"), "application/octet-stream");
  assert.match(response.headers.get("content-disposition")!, /^attachment; filename="merged\.safetensors"$/);
  const length = Number(response.headers.get("content-length"));
  const announced = /^sha-256=:(.*):$/.exec(response.headers.get("content-digest")!)![1]!;
  assert.is(Buffer.from(announced, "base64").toString("hex"), MERGED);
  const bytes = await response.arrayBuffer();
  assert.is(bytes.byteLength, length);
  assert.is(await digestOf(new Response(bytes)), MERGED);
});

test("takes a spec by name or as JSON, and λ", async () => {
  const { detectSpec, formatSpec, openModel } = await import("rebasin");
  const spec = formatSpec(await detectSpec(await openModel(A)));
  const text = typeof spec === "string" ? spec : JSON.stringify(spec);
  for (const fields of [{ spec: "mlp" }, { spec: "auto", lambda: "0.5" }])
    assert.is(await digestOf(await post(worker, { body: form({ a: A, b: B, ...fields }) })), MERGED);
  assert.is((await post(worker, { body: form({ a: A, b: B, spec: text }) })).status, 200);
  const same = await (await post(worker, { body: form({ a: A, b: B, lambda: "0" }) })).arrayBuffer();
  assert.equal(Buffer.from(same).subarray(-1000), A.subarray(-1000));
});

test("reads URLs by ranges, and follows redirects on the list", async () => {
  for (const b of ["b", "there"]) {
    files.asked.length = 0;
    const response = await postJson(worker, { a: `${files.url}/models/a`, b: `${files.url}/models/${b}`, lambda: 0.5 });
    assert.is(await digestOf(response), MERGED);
    assert.ok(files.asked.length > 2);
    for (const line of files.asked) assert.match(line, /^\/models\/\w+ bytes=\d+-\d+$/);
  }
});

test("refuses URLs off the list, and says what is wrong with those on it", async () => {
  const a = `${files.url}/models/a`;
  const { host } = new URL(files.url);
  const cases: [url: string, status: number, detail: RegExp][] = [
    [`${files.url}/elsewhere/b`, 403, /\/elsewhere\/b is not on the list/],
    [`${files.url}/models/../elsewhere/b`, 403, /\/elsewhere\/b is not on the list/],
    [`${files.url}/models/..%2felsewhere%2fb`, 403, /not on the list/],
    [`http://name:word@${host}/models/b`, 403, /not on the list/],
    [`https://${host}/models/b`, 403, /not on the list/],
    ["file:///etc/passwd", 403, /not on the list/],
    ["data:,x", 403, /not on the list/],
    ["no URL", 400, /expected a URL/],
    [`${files.url}/models/away`, 403, /\/elsewhere\/b is not on the list/],
    [`${files.url}/models/around`, 424, /redirects more than 3 times/],
    [`${files.url}/models/none`, 424, /answered 404/],
    ["http://127.0.0.1:1/b", 424, /cannot be reached/],
    [`${files.url}/whole/b`, 424, /whole file, expected the range/],
    [`${files.url}/models/large`, 413, /3000000 bytes, expected at most/],
    [`${files.url}/models/page`, 422, /web page/],
    [`${files.url}/models/empty`, 422, /empty/],
  ];
  for (const [b, status, detail] of cases) await checkProblem(b, await postJson(worker, { a, b }), status, detail);
  assert.not(
    files.asked.some((line) => line.startsWith("/elsewhere/")),
    "nothing off the list was asked for",
  );
});

test("other addresses and methods", async () => {
  const usage = await fetch(worker.url);
  assert.match(await usage.text(), /POST \/merge/);
  const health = await (await fetch(`${worker.url}health`)).json();
  assert.equal(health, { ok: true, merges: 0 });
  assert.is((await fetch(`${worker.url}health`, { method: "HEAD" })).status, 200);
  await checkProblem("/nothing", await fetch(`${worker.url}nothing`), 404, /no \/nothing here/);
  for (const [path, method, allow] of [
    ["merge", "GET", "POST"],
    ["merge", "PUT", "POST"],
    ["", "POST", "GET, HEAD"],
    ["health", "DELETE", "GET, HEAD"],
  ] as const) {
    const response = await fetch(worker.url + path, { method });
    assert.is(response.headers.get("allow"), allow);
    await checkProblem(`${method} /${path}`, response, 405, /expected/);
  }
});

/** A part of a form, by hand. */
const part = (name: string, text: string): string =>
  `--x\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${text}\r\n`;
const END = "--x--\r\n";

test("every malformed body is a 4xx with a reason", async () => {
  const multipart = "multipart/form-data; boundary=x";
  const json = "application/json";
  const cases: [type: string, body: string, status: number, detail: RegExp][] = [
    ["", "x", 415, /content type/],
    ["text/plain", "x", 415, /"text\/plain", expected multipart\/form-data or application\/json/],
    ["application/octet-stream", "x", 415, /content type/],
    ["multipart/form-data", "x", 400, /boundary missing/],
    ["multipart/form-data; boundary=", "x", 400, /boundary missing/],
    [`multipart/form-data; boundary=${"x".repeat(71)}`, "x", 400, /boundary missing or malformed/],
    [multipart, "", 400, /no boundary/],
    [multipart, "x", 400, /no boundary/],
    [multipart, "--y--", 400, /no boundary/],
    [multipart, "--x", 400, /followed by other bytes/],
    [multipart, "--x--", 400, /field a missing/],
    [multipart, "--xy\r\n", 400, /followed by other bytes/],
    [multipart, "--x\r\n", 400, /breaks off/],
    [multipart, "--x\r\n\r\n--x--", 400, /without a header/],
    [multipart, `--x\r\ncontent-disposition: form-data\r\n\r\nhello\r\n${END}`, 400, /without a name/],
    [multipart, `--x\r\ncontent-type: text/plain\r\n\r\nhello\r\n${END}`, 400, /without a name/],
    [multipart, `--x\r\n${"y".repeat(9000)}\r\n\r\nhello\r\n${END}`, 400, /without a header of at most 8192/],
    [multipart, part("a", "1"), 400, /breaks off/],
    [multipart, part("a", "1") + END, 400, /field b missing/],
    [multipart, part("b", "1") + END, 400, /field a missing/],
    [multipart, part("a", "1") + part("a", "2") + END, 400, /field "a" twice/],
    [multipart, part("a", "1") + part("c", "2") + END, 400, /field "c", expected only a, b, spec, lambda/],
    [multipart, part("__proto__", "1") + END, 400, /field "__proto__"/],
    [multipart, Array.from({ length: 20 }, (_, i) => part(`f${i}`, "")).join("") + END, 400, /more than 16 fields/],
    [multipart, part("a", "1") + part("b", "2") + part("lambda", "half") + END, 400, /lambda "half"/],
    [multipart, part("a", "1") + part("b", "2") + part("lambda", "") + END, 400, /lambda ""/],
    [multipart, part("a", "1") + part("b", "2") + part("spec", "{") + END, 400, /spec is not valid JSON/],
    [
      multipart,
      part("a", "1") + part("b", "2") + part("spec", "x".repeat(1_000_001)) + END,
      413,
      /field spec of 1000001/,
    ],
    [multipart, part("a", "") + part("b", "") + END, 422, /a is empty/],
    [multipart, part("a", "1") + part("b", "2") + END, 422, /a has 1 bytes, expected a safetensors file/],
    [json, "", 400, /not valid JSON/],
    [json, "{", 400, /not valid JSON/],
    [json, "[".repeat(100_000), 400, /not valid JSON/],
    [json, "null", 400, /no object/],
    [json, "[]", 400, /no object/],
    [json, "{}", 400, /a missing/],
    [json, '{"a":1,"b":2}', 400, /a missing or no text/],
    [json, '{"a":"x"}', 400, /b missing/],
    [json, '{"a":"x","b":"y"}', 400, /expected a URL/],
    [json, '{"a":"x","b":"y","c":1}', 400, /field "c"/],
    [json, '{"a":"x","b":"y","lambda":"1"}', 400, /lambda is string/],
    [json, '{"a":"x","b":"y","spec":[]}', 400, /spec is object|spec/],
  ];
  for (const [type, body, status, detail] of cases) {
    const what = `${type}: ${body.slice(0, 60)}`;
    const headers: Record<string, string> = type === "" ? {} : { "content-type": type };
    await checkProblem(what, await post(worker, { headers, body: Buffer.from(body) }), status, detail);
  }
  const headers = { "content-type": json, "content-encoding": "gzip" };
  await checkProblem("gzip", await post(worker, { headers, body: "{}" }), 415, /content encoding/);
});

test("models, specs and options that do not fit are a 422 with the library's words", async () => {
  const { encodeSafetensors, memoryModel } = await import("rebasin");
  const other = await encodeSafetensors(
    memoryModel(new Map([["x", { dtype: "F32" as const, shape: [1], data: new Uint8Array(4) }]])),
  );
  const nonfinite = Uint8Array.from(A);
  nonfinite.fill(0xff, -2);
  const cases: [string, Parameters<typeof form>[0], RegExp][] = [
    ["cut off", { a: A, b: Uint8Array.from(B.subarray(0, 400_000)) }, /^b tensor .* expected at most/],
    ["garbage", { a: A, b: new Uint8Array(100_000).fill(7) }, /^b /],
    ["another model", { a: A, b: other }, /expected/],
    ["an unknown family", { a: A, b: B, spec: "transformer" }, /transformer/],
    ["a family that does not fit", { a: A, b: B, spec: "resnet" }, /has no convolution/],
    ["a spec of another format", { a: A, b: B, spec: "{}" }, /format/],
    ["λ", { a: A, b: B, lambda: "1.5" }, /lambda 1\.5, expected a number from 0 to 1/],
    ["NaN", { a: A, b: nonfinite }, /finite|NaN/],
  ];
  for (const [what, fields, detail] of cases)
    await checkProblem(what, await post(worker, { body: form(fields) }), 422, detail);
});

/** Sends a body without a length until an answer comes. */
function sendEndlessly(): Promise<Response> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "multipart/form-data; boundary=x" };
    const sending = request(`${worker.url}merge`, { method: "POST", headers });
    const send = (): void =>
      void sending.write(new Uint8Array(65536), (fault) => {
        if (!fault) setTimeout(send, 1);
      });
    sending.on("error", reject);
    sending.on("response", async (answer) => {
      let text = "";
      for await (const chunk of answer.setEncoding("utf8")) text += chunk;
      sending.off("error", reject).on("error", () => undefined);
      sending.destroy();
      resolve(
        new Response(text, {
          status: answer.statusCode!,
          headers: { "content-type": answer.headers["content-type"]! },
        }),
      );
    });
    send();
  });
}

test("a small file that would take much memory is refused", async () => {
  const { encodeSafetensors, memoryModel } = await import("rebasin");
  const wide = await encodeSafetensors(
    memoryModel(new Map([["w", { dtype: "U8" as const, shape: [90_000, 2], data: new Uint8Array(180_000) }]])),
  );
  const spec = JSON.stringify({ format: "rebasin-spec/1", tensors: { w: { axes: ["P", "2"] } } });
  const response = await post(worker, { body: form({ a: wide, b: wide, spec }) });
  await checkProblem(
    "wide",
    response,
    422,
    /merge takes about 6\d{10} bytes of memory \(permutations of up to 90000 units/,
  );
});

test("too much is a 413, announced or not", async () => {
  const large = new Uint8Array(1_500_000);
  await checkProblem("two large", await post(worker, { body: form({ a: large, b: large }) }), 413, /at most/);
  const some = new Uint8Array(1_100_000);
  await checkProblem("just over", await post(worker, { body: form({ a: some, b: some }) }), 413, /2200000 bytes/);
  await checkProblem("endless", await sendEndlessly(), 411, /Content-Length/);
  await checkProblem("long JSON", await postJson(worker, { a: "x".repeat(1_100_000), b: "y" }), 413, /at most 1000000/);
});

test("of 20 at once, every one is merged right or told to come again", async () => {
  const answers = await Promise.all(
    Array.from({ length: 20 }, async () => {
      const response = await post(worker, { body: form({ a: A, b: B }) });
      if (response.status === 200) assert.is(await digestOf(response), MERGED);
      else {
        assert.match(response.headers.get("retry-after")!, /^[1-9]\d*$/);
        await checkProblem("busy", response, 429, /expected at most 4 to wait/);
      }
      return response.status;
    }),
  );
  assert.ok(answers.filter((status) => status === 200).length >= 5, answers.join());
});

test("clients that go away leave nothing behind: while they wait, upload, match, or download", async () => {
  const gone = async (milliseconds: number): Promise<void> => {
    const controller = new AbortController();
    const answers = Array.from({ length: 3 }, () =>
      post(worker, { body: form({ a: A, b: B }), signal: controller.signal }).catch(() => null),
    );
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    controller.abort();
    await Promise.all(answers);
  };
  for (const milliseconds of [1, 20, 60, 150]) await gone(milliseconds);
  const response = await post(worker, { body: form({ a: A, b: B }) });
  if (response.status === 200) await response.body!.cancel();
  await idle(worker);
  assert.is(await digestOf(await post(worker, { body: form({ a: A, b: B }) })), MERGED);
});

test.run();
