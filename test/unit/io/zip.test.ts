import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { FormatError } from "../../../src/base/errors.ts";
import { bytesSource } from "../../../src/io/byte-source.ts";
import { crc32, crc32Of } from "../../../src/io/crc32.ts";
import { memorySink } from "../../../src/io/sink.ts";
import { openZip, openZipEntry, readZipEntry, type Zip } from "../../../src/io/zip.ts";
import { patchZip, type ZipContent } from "../../../src/io/zip-patch.ts";
import { zipWriter } from "../../../src/io/zip-write.ts";
import { rejects, sameBytes } from "../../reference/expect-error.ts";
import { concat, counting, utf8 } from "../../reference/safetensors-builder.ts";
import { slowCrc, type ZipPart, type ZipShape, zipFile } from "../../reference/zip-builder.ts";

const test = suite("io/zip");

const open = (bytes: Uint8Array): Promise<Zip> => openZip(bytesSource(bytes, "a.zip"));

async function patched(zip: Zip, contents: Record<string, Uint8Array>): Promise<Uint8Array> {
  const sink = memorySink();
  const wanted = Object.entries(contents).map(([name, bytes]): [string, ZipContent] => [name, async () => bytes]);
  await patchZip(zip, new Map(wanted), sink);
  await sink.close();
  return sink.bytes();
}

/** Everything an archive holds. */
async function contentsOf(zip: Zip): Promise<[string, number[]][]> {
  const all: [string, number[]][] = [];
  for (const entry of zip.entries.values()) all.push([entry.name, [...(await readZipEntry(zip, entry))]]);
  return all;
}

test("crc32 is the plain definition's, whole and in pieces", () => {
  assert.is(crc32(utf8("123456789")), 0xcbf43926);
  assert.is(crc32(new Uint8Array(0)), 0);
  const property = fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(100), (bytes, cut) => {
    assert.is(crc32(bytes), slowCrc(bytes));
    assert.is(crc32(bytes.subarray(cut), crc32(bytes.subarray(0, cut))), slowCrc(bytes));
  });
  fc.assert(property, { seed: 1, numRuns: 200 });
});

test("crc32Of is crc32, also of long data, which the kernel sums", async () => {
  for (const length of [0, 9, 4 * 2 ** 20 - 1, 4 * 2 ** 20, 17 * 2 ** 20 + 3]) {
    const bytes = new Uint8Array(length).map((_, i) => i * 31 + (i >> 9));
    assert.is(await crc32Of(bytes), crc32(bytes));
    assert.is(await crc32Of(bytes), crc32(bytes));
  }
});

const STYLES = ["plain", "numpy", "torch", "torch64"] as const;

/** Sound parts in every way that writers have. */
const part = (index: number) =>
  fc.record({
    name: fc.constantFrom("a", "b/c", "é", "__proto__", "x.npy").map((name) => `${index}${name}`),
    content: fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.nat(3000).map((n) => new Uint8Array(n)),
    ),
    deflate: fc.boolean(),
    style: fc.constantFrom(...STYLES),
    filler: fc.constantFrom(0, 7, 50),
    isLarge: fc.boolean(),
  });
const archive = fc.record({
  parts: fc.tuple(part(0), part(1), part(2), part(3)).chain((all) => fc.subarray(all)),
  shape: fc.record({ comment: fc.constantFrom("", "PK\u0005\u0006 is no end"), zip64: fc.boolean() }),
});

test("every entry of archives by all kinds of writers is read, whole and in part", async () => {
  const property = fc.asyncProperty(archive, fc.nat(3000), fc.nat(3000), async ({ parts, shape }, x, y) => {
    const zip = await open(zipFile(parts, shape));
    assert.equal(
      [...zip.entries.keys()],
      parts.map(({ name }) => name),
    );
    for (const { name, content } of parts) {
      const entry = zip.entries.get(name)!;
      sameBytes(await readZipEntry(zip, entry), content);
      const end = Math.min(Math.max(x, y), content.length);
      const start = Math.min(x, y, end);
      sameBytes(await (await openZipEntry(zip, entry)).slice(start, end), content.subarray(start, end));
    }
  });
  await fc.assert(property, { seed: 2, numRuns: 150 });
});

test("a patched archive: same bytes where nothing changes; else only that entry's data and checksums", async () => {
  const property = fc.asyncProperty(archive, fc.nat(3), async ({ parts, shape }, which) => {
    const file = zipFile(parts, shape);
    const zip = await open(file);
    sameBytes(await patched(zip, {}), file, "unchanged");
    const chosen = parts[which];
    if (chosen === undefined) return;
    const content = chosen.content.map((byte, i) => byte ^ (i % 7));
    const now = await patched(zip, { [chosen.name]: content });
    // What the builder makes of the new content; its deflated bytes are fflate's, too.
    sameBytes(
      now,
      zipFile(
        parts.map((old) => (old === chosen ? { ...old, content } : old)),
        shape,
      ),
      "changed",
    );
    const back = await patched(await open(now), { [chosen.name]: chosen.content });
    if (!chosen.deflate) sameBytes(back, file, "changed and back");
    assert.equal(await contentsOf(await open(back)), await contentsOf(zip));
  });
  await fc.assert(property, { seed: 3, numRuns: 150 });
});

test("a patch of another length, or of no entry, is refused", async () => {
  const zip = await open(zipFile([{ name: "a", content: counting(3) }]));
  await rejects(() => patched(zip, { a: counting(4) }), RangeError, /^a\.zip entry "a" gets 4 bytes, expected 3$/);
  await rejects(
    () => patched(zip, { b: counting(4) }),
    RangeError,
    /^a\.zip has no entry b, expected one of its names$/,
  );
});

test("what the writer writes is read; data is aligned; equal contents give equal archives", async () => {
  const write = async (parts: [string, Uint8Array][]): Promise<Uint8Array> => {
    const sink = memorySink();
    const zip = zipWriter(sink, 64);
    for (const [name, bytes] of parts) await zip.add(name, bytes);
    await zip.finish();
    await sink.close();
    return sink.bytes();
  };
  const parts: [string, Uint8Array][] = Array.from({ length: 70 }, (_, i) => [`${"n".repeat(i)}é`, counting(i * 3)]);
  const bytes = await write(parts);
  const zip = await open(bytes);
  assert.equal(
    await contentsOf(zip),
    parts.map(([name, content]) => [name, [...content]]),
  );
  for (const [name, content] of parts) {
    if (content.length < 3) continue;
    const view = await (await openZipEntry(zip, zip.entries.get(name)!)).slice(0, content.length);
    assert.is((view.byteOffset - bytes.byteOffset) % 64, 0);
  }
  sameBytes(await write(parts), bytes);
});

test("70,000 entries need the zip64 count", async () => {
  const sink = memorySink();
  const writer = zipWriter(sink);
  for (let i = 0; i < 70_000; i++) await writer.add(String(i), new Uint8Array(0));
  await writer.finish();
  await sink.close();
  const zip = await open(sink.bytes());
  assert.is(zip.entries.size, 70_000);
  await rejects(
    () => openZip({ ...zip.source, byteLength: zip.source.byteLength - 1 }),
    FormatError,
    /^a\.zip has no zip directory at its end/,
  );
});

const one = (part: Partial<ZipPart> = {}, shape: ZipShape = {}): Uint8Array =>
  zipFile([{ name: "x", content: counting(9), ...part }], shape);
const two = (part: Partial<ZipPart>): Uint8Array =>
  zipFile([
    { name: "x", content: counting(9) },
    { name: "y", content: counting(9), ...part },
  ]);

/** Broken archives: what is wrong, the file, the message after its name. */
const BROKEN: readonly (readonly [string, Uint8Array, RegExp])[] = [
  ["nothing", new Uint8Array(0), /has no zip directory at its end, expected one: is the file complete\?$/],
  ["only a local header", one().subarray(0, 40), /has no zip directory at its end/],
  ["a byte after the end", concat(one(), Uint8Array.of(0)), /has no zip directory at its end/],
  [
    "a byte before",
    one({}, { prefix: Uint8Array.of(0), directoryStart: 40 }),
    /zip directory ends at byte 87, expected 88/,
  ],
  ["a gap after the directory", one({}, { directorySize: 46 }), /zip directory ends at byte 86, expected 87/],
  ["more entries than room", one({}, { count: 2 }), /zip directory of 47 bytes, expected more for 2 entries$/],
  [
    "2^24 entries in 98 bytes",
    one({}, { zip64: true, count: 0xffff, large: { count: 2 ** 24 } }),
    /has 16777216 zip entries, expected at most 1000000$/,
  ],
  [
    "2^64 entries",
    one({}, { zip64: true, count: 0xffff, large: { count: 2 ** 64 - 2048 } }),
    /has Infinity zip entries/,
  ],
  ["fewer entries than records", one({}, { count: 0 }), /zip directory has 47 bytes, expected 0 for its 0 entries$/],
  ["a directory of 4 GB", one({}, { directorySize: 0xfffffffe }), /zip directory ends at byte 4294967334, expected 87/],
  ["end records that differ", one({}, { zip64: true, large: { count: 7 } }), /has two zip end records that differ/],
  [
    "no zip64 record",
    one({}, { zip64: true, large: { at: 1 } }),
    /zip64 end record at byte 1, expected one before byte/,
  ],
  ["zip64 record far away", one({}, { zip64: true, large: { at: 2 ** 60 } }), /zip64 end record at byte Infinity/],
  ["encrypted", one({ flags: 1 }), /entry "x" is encrypted, expected a plain one$/],
  ["encrypted directory", one({ flags: 0x2000 }), /entry "x" is encrypted/],
  ["method 14", one({ method: 14 }), /entry "x" has compression method 14, expected 0 \(stored\) or 8 \(deflate\)$/],
  ["stored in fewer bytes", one({ size: 10 }), /entry "x" is stored in 9 bytes, expected 10$/],
  [
    "a bomb by its sizes",
    one({ deflate: true, size: 2 ** 31 }),
    /entry "x" unpacks from 11 to 2147483648 bytes, expected at most 1032 times$/,
  ],
  [
    "a bomb of bombs",
    zipFile(
      Array.from({ length: 5 }, (_, i) => ({
        name: `${i}`,
        content: counting(0),
        method: 8,
        packed: new Uint8Array(2 ** 20),
        size: 2 ** 30,
      })),
    ),
    /unpacks to 5368709120 bytes, expected at most 4294967296$/,
  ],
  ["an entry inside another", two({ start: 0 }), /entry "(x|y)" overlaps entry "(x|y)", expected its own bytes$/],
  ["an entry that begins in another", two({ start: 20 }), /entry "x" overlaps entry "y", expected its own bytes$/],
  [
    "an entry that reaches into the directory",
    one({ size: 10, packedSize: 10 }),
    /entry "x" overlaps the zip directory/,
  ],
  ["an entry behind the end", one({ start: 2 ** 31 }), /entry "x" overlaps the zip directory/],
  ["twice the same name", two({ name: "x" }), /has two entries "x", expected one$/],
  ["no UTF-8", one({ name: Uint8Array.of(0xff) }), /entry name "ÿ", expected UTF-8$/],
  ["a NUL", one({ name: "a\0" }), /entry name "a\\u0000", expected one without NUL and backslash$/],
  ["a backslash", one({ name: "a\\b" }), /entry name "a\\\\b", expected one without/],
  ["no name", one({ name: "" }), /entry name "", expected one without/],
  ["full sizes without zip64", one({ size: 0xffffffff, packedSize: 0xffffffff }), /entry "x" lacks its zip64 sizes/],
];
for (const [what, bytes, message] of BROKEN) {
  test(`refused on opening: ${what}`, async () => {
    await rejects(() => open(bytes), FormatError, new RegExp(`^a\\.zip ${message.source}`));
  });
}

const crcOf = (bytes: Uint8Array): string => slowCrc(bytes).toString(16).padStart(8, "0");
const BROKEN_ENTRIES: readonly (readonly [string, Uint8Array, RegExp])[] = [
  ["another name in its header", one({ localName: "y" }), /has a header of another name or method/],
  [
    "a longer local header",
    one({ localName: "xx" }),
    /(ends at byte 41, expected at most 40, where others begin|has a header of another name or method)/,
  ],
  [
    "a changed byte",
    one({ crc: 5 }),
    new RegExp(`has CRC ${crcOf(counting(9))}, expected 00000005: the file is damaged$`),
  ],
  [
    "garbage for deflate",
    one({ deflate: true, packed: Uint8Array.of(6, 7, 8) }),
    /does not unpack \(.*\), expected deflated data$/,
  ],
  [
    "deflate that breaks off",
    one({ deflate: true, packed: Uint8Array.of(99, 100) }),
    /does not unpack \(unexpected EOF\)/,
  ],
  ["fewer bytes than said", one({ deflate: true, size: 10 }), /unpacks to 9 bytes, expected 10$/],
  ["more bytes than said", one({ deflate: true, size: 8 }), /unpacks to more than 8 bytes, expected 8$/],
];
for (const [what, bytes, message] of BROKEN_ENTRIES) {
  test(`refused on reading: ${what}`, async () => {
    const zip = await open(bytes);
    const read = (): Promise<Uint8Array> => readZipEntry(zip, zip.entries.get("x")!);
    await rejects(read, FormatError, new RegExp(`^a\\.zip entry "x" (${message.source})`));
  });
}

test.run();
