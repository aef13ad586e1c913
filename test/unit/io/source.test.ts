import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type ByteSource, blobSource, bytesSource } from "../../../src/io/byte-source.ts";
import { urlSource } from "../../../src/io/url-source.ts";
import { rejects, sameBytes } from "../../reference/expect-error.ts";
import { counting } from "../../reference/safetensors-builder.ts";

const test = suite("io-source");
const URL_TEXT = "https://models.example/dir/m.safetensors?token=secret";
const NAME = "https://models.example/dir/m.safetensors";

/** What every source must do; `whole` is what it holds. */
async function checkSource(source: ByteSource, whole: Uint8Array): Promise<void> {
  const size = whole.length;
  assert.is(source.byteLength, size);
  for (const [start, end] of [
    [0, size],
    [0, 0],
    [size, size],
    [size - 1, size],
    [0, 1],
    [3, 7],
    [1, size - 1],
  ] as const) {
    sameBytes(await source.slice(start, end), whole.slice(start, end), `${source.name} ${start} to ${end}`);
  }
  for (const [start, end] of [
    [0, size + 1],
    [-1, 2],
    [3, 2],
    [0.5, 2],
    [0, Number.NaN],
    [0, Number.POSITIVE_INFINITY],
  ] as const) {
    await rejects(() => source.slice(start, end), RangeError, /range .* to .*, expected a range inside its \d+ bytes$/);
  }
  await rejects(() => source.slice(0, 1, AbortSignal.abort(new SyntaxError("stop"))), SyntaxError, /^stop$/);
}

test("bytes are given as views, whatever array they come in", async () => {
  const bytes = counting(10);
  await checkSource(bytesSource(bytes), bytes);
  await checkSource(bytesSource(bytes.buffer as ArrayBuffer), bytes);
  await checkSource(bytesSource(bytes.subarray(2, 9), "part"), bytes.slice(2, 9));
  assert.is((await bytesSource(bytes).slice(2, 4)).buffer, bytes.buffer);
});

test("a Blob and a File are read in ranges", async () => {
  const bytes = counting(1000);
  await checkSource(blobSource(new Blob([bytes])), bytes);
  assert.is(blobSource(new Blob([])).name, "blob");
  assert.is(blobSource(new File([bytes], "f.safetensors")).name, "f.safetensors");
});

interface FakeOptions {
  /** Changes the answer to request number `index`; undefined leaves it. */
  answer?: (index: number, range: [number, number], whole: Uint8Array) => Response | Promise<Response> | undefined;
}

/** A server in a function: ranges, an ETag, and whatever `answer` does instead. */
function fakeFetch(whole: Uint8Array, { answer }: FakeOptions = {}): { fetch: typeof fetch; requests: string[] } {
  const requests: string[] = [];
  const fake = async (url: unknown, init?: RequestInit): Promise<Response> => {
    const headers = new Headers(init?.headers);
    const range = headers.get("range");
    const match = /^bytes=(\d+)-(\d+)$/.exec(range ?? "");
    const [start, end] = match ? [Number(match[1]), Math.min(Number(match[2]) + 1, whole.length)] : [0, whole.length];
    requests.push(`${init?.method} ${range} ${headers.get("authorization")} ${url}`);
    return (await answer?.(requests.length - 1, [start, end], whole)) ?? partial(whole, start, end);
  };
  return { fetch: fake as typeof fetch, requests };
}

function partial(whole: Uint8Array, start: number, end: number, headers: Record<string, string> = {}): Response {
  const range = `bytes ${start}-${end - 1}/${whole.length}`;
  return new Response(whole.slice(start, end), {
    status: 206,
    headers: { "content-range": range, etag: '"v1"', ...headers },
  });
}

/** A 206 whose headers are hidden, as across origins. */
const hidden = (bytes: Uint8Array): Response => new Response(bytes.slice(), { status: 206 });

const LARGE = 200_000;
const big = counting(LARGE);

test("a URL is read in ranges: the first request brings the size and the beginning", async () => {
  const { fetch, requests } = fakeFetch(big);
  const source = await urlSource(URL_TEXT, { fetch, headers: { authorization: "Bearer x" } });
  assert.is(source.name, NAME, "the query may be a secret");
  sameBytes(await source.slice(10, 65536), big.slice(10, 65536));
  assert.equal(requests, [`GET bytes=0-65535 Bearer x ${URL_TEXT}`], "the beginning is not asked for twice");
  sameBytes(await source.slice(65530, 70000), big.slice(65530, 70000));
  assert.is(requests[1], `GET bytes=65530-69999 Bearer x ${URL_TEXT}`);
  await checkSource(source, big);
  await checkSource(await urlSource(new URL(URL_TEXT), { fetch: fakeFetch(counting(20)).fetch }), counting(20));
});

test("a server without ranges is read whole, once", async () => {
  const { fetch, requests } = fakeFetch(big, { answer: (_, __, whole) => new Response(whole.slice()) });
  await checkSource(await urlSource(URL_TEXT, { fetch }), big);
  assert.is(requests.length, 1);
  const short = fakeFetch(big, {
    answer: () => new Response(big.slice(0, 10), { headers: { "content-length": "11" } }),
  });
  await rejects(() => urlSource(URL_TEXT, short), TypeError, /^https.*answer broke off after 10 bytes, expected 11$/);
  // With an encoding, Content-Length counts compressed bytes.
  const headers = { "content-length": "3", "content-encoding": "gzip" };
  const packed = fakeFetch(big, { answer: () => new Response(big.slice(0, 10), { headers }) });
  assert.is((await urlSource(URL_TEXT, packed)).byteLength, 10);
});

test("a server that stops honouring ranges is read whole from then on", async () => {
  const { fetch, requests } = fakeFetch(big, { answer: (i) => (i > 0 ? new Response(big.slice()) : undefined) });
  await checkSource(await urlSource(URL_TEXT, { fetch }), big);
  assert.is(requests.length, 2);
  const other = fakeFetch(big, { answer: (i) => (i > 0 ? new Response(big.slice(1)) : undefined) });
  const source = await urlSource(URL_TEXT, other);
  await rejects(
    () => source.slice(0, LARGE),
    TypeError,
    /changed while it was read: 199999 bytes, expected 200000 bytes/,
  );
});

test("an empty file has size 0", async () => {
  const answer = () => new Response(null, { status: 416, headers: { "content-range": "bytes */0" } });
  assert.is((await urlSource(URL_TEXT, fakeFetch(big, { answer }))).byteLength, 0);
  const lost = () => new Response(null, { status: 416 });
  await rejects(
    () => urlSource(URL_TEXT, fakeFetch(big, { answer: lost })),
    TypeError,
    /answered 416.*, expected 200 or 206$/,
  );
});

test("short answers are completed by asking again", async () => {
  const halves = fakeFetch(big, { answer: (_, [start, end], w) => partial(w, start, Math.ceil((start + end) / 2)) });
  await checkSource(await urlSource(URL_TEXT, halves), big);
  const hiddenHalves = fakeFetch(big, {
    answer: (i, [start, end], w) => (i > 0 ? hidden(w.slice(start, Math.ceil((start + end) / 2))) : undefined),
  });
  await checkSource(await urlSource(URL_TEXT, hiddenHalves), big);
});

test("where Content-Range is hidden, HEAD gives the size", async () => {
  const answer =
    (length: string) =>
    (i: number, [start, end]: [number, number]) =>
      i === 1 ? new Response(null, { headers: { "content-length": length } }) : hidden(big.slice(start, end));
  const { fetch, requests } = fakeFetch(big, { answer: answer(String(LARGE)) });
  await checkSource(await urlSource(URL_TEXT, { fetch }), big);
  assert.is(requests[1], `HEAD null null ${URL_TEXT}`);
  await rejects(
    () => urlSource(URL_TEXT, fakeFetch(big, { answer: answer("") })),
    TypeError,
    /size unknown .*, expected/,
  );
  const star = fakeFetch(big, {
    answer: (i, [start, end]) =>
      i === 1
        ? new Response(null, { headers: { "content-length": "200000" } })
        : partial(big, start, end, { "content-range": `bytes ${start}-${end - 1}/*` }),
  });
  await checkSource(await urlSource(URL_TEXT, star), big);
});

/** What is wrong with the second answer, the answer, the message. */
const BAD: readonly [string, (start: number, end: number) => Response, RegExp][] = [
  [
    "404",
    () => new Response("no", { status: 404, statusText: "Not Found" }),
    /answered 404 Not Found, expected 200 or 206$/,
  ],
  ["500", () => new Response("", { status: 500 }), /answered 500( Internal Server Error)?, expected 200 or 206$/],
  ["no content", () => new Response(null, { status: 204 }), /answered 204( No Content)?, expected 200 or 206$/],
  [
    "another range",
    (s, e) => partial(big, s - 1, e - 1),
    /answered with bytes 99999 to 100099, expected bytes 100000 to 100100$/,
  ],
  [
    "a longer range",
    (s, e) => partial(big, s, e + 1),
    /answered with bytes 100000 to 100101, expected bytes 100000 to 100100$/,
  ],
  [
    "another unit",
    (s, e) => partial(big, s, e, { "content-range": "items 0-1/2" }),
    /answered Content-Range "items 0-1\/2", expected/,
  ],
  [
    "a range backwards",
    (s, e) => partial(big, s, e, { "content-range": `bytes ${e}-${s}/200000` }),
    /answered Content-Range .*, expected/,
  ],
  [
    "a range outside the size",
    (s, e) => partial(big, s, e, { "content-range": `bytes ${s}-${e - 1}/9` }),
    /answered Content-Range .*, expected/,
  ],
  [
    "another size",
    (s, e) => partial(big, s, e, { "content-range": `bytes ${s}-${e - 1}/200001` }),
    /changed while it was read: 200001 bytes, expected 200000 bytes as at first$/,
  ],
  [
    "another version",
    (s, e) => partial(big, s, e, { etag: '"v2"' }),
    /changed while it was read: version "v2", expected version "v1" as at first$/,
  ],
  [
    "less than announced",
    (s, e) =>
      new Response(big.slice(s, e - 1), { status: 206, headers: { "content-range": `bytes ${s}-${e - 1}/200000` } }),
    /answer broke off after 99 bytes, expected 100$/,
  ],
  [
    "more than announced",
    (s, e) =>
      new Response(big.slice(s, e + 1), { status: 206, headers: { "content-range": `bytes ${s}-${e - 1}/200000` } }),
    /answered with more than 100 bytes, expected 100$/,
  ],
  ["nothing", () => hidden(new Uint8Array(0)), /answer broke off after 0 bytes, expected 100$/],
  ["more than asked", (s, e) => hidden(big.slice(s, e + 1)), /answered with more than 100 bytes, expected 100$/],
];

for (const [what, answer, message] of BAD) {
  test(`a server that answers with ${what} gives an error that names the URL`, async () => {
    const source = await urlSource(
      URL_TEXT,
      fakeFetch(big, { answer: (i) => (i > 0 ? answer(100_000, 100_100) : undefined) }),
    );
    const error = await rejects(() => source.slice(100_000, 100_100), TypeError, message);
    assert.ok(error.message.startsWith(`${NAME} `), error.message);
    assert.not.ok(error.message.includes("secret"));
  });
}

test("a weak tag is the same tag", async () => {
  const answer = (i: number, [s, e]: [number, number]) => (i > 0 ? partial(big, s, e, { etag: 'W/"v1"' }) : undefined);
  await checkSource(await urlSource(URL_TEXT, fakeFetch(big, { answer })), big);
});

test("an unreachable server, a broken connection and an abort are told apart", async () => {
  const refuse = async () => Promise.reject(new TypeError("fetch failed", { cause: new RangeError("refused") }));
  await rejects(
    () => urlSource(URL_TEXT, { fetch: refuse }),
    TypeError,
    /^https:.*m\.safetensors cannot be reached \(refused\), expected an answer$/,
  );
  const broken = () => {
    const body = new ReadableStream({ pull: (stream) => stream.error(new TypeError("terminated")) });
    return new Response(body, { status: 206, headers: { "content-range": "bytes 0-65535/200000" } });
  };
  await rejects(
    () => urlSource(URL_TEXT, fakeFetch(big, { answer: broken })),
    TypeError,
    /answer broke off \(terminated\), expected all of it$/,
  );

  const controller = new AbortController();
  const stopped = fakeFetch(big, {
    answer: (i) => {
      if (i === 0) return undefined;
      controller.abort(new SyntaxError("stop"));
      return Promise.reject(controller.signal.reason);
    },
  });
  const source = await urlSource(URL_TEXT, stopped);
  await rejects(() => source.slice(70_000, 70_001, controller.signal), SyntaxError, /^stop$/);
  await rejects(() => urlSource(URL_TEXT, { ...fakeFetch(big), signal: controller.signal }), SyntaxError, /^stop$/);
});

test("data URLs work, file URLs are refused", async () => {
  const source = await urlSource("data:application/octet-stream;base64,AQID");
  assert.is(source.name, "data:application/octet-stream;base64");
  assert.equal([...(await source.slice(0, 3))], [1, 2, 3]);
  await rejects(() => urlSource("file:///tmp/x"), TypeError, /^file:\/\/\/tmp\/x is a file URL, expected http/);
});

test.run();
