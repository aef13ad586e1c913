import { suite } from "uvu";
import * as assert from "uvu/assert";
import { FormatError } from "../../../src/base/errors.ts";
import { createRng } from "../../../src/base/rng.ts";
import { tensorBytes } from "../../../src/base/tensor-bytes.ts";
import { openModel } from "../../../src/formats/open-model.ts";
import { MAX_HEADER_BYTES, openSafetensors } from "../../../src/formats/safetensors/open-safetensors.ts";
import { bytesSource } from "../../../src/io/byte-source.ts";
import { rejects } from "../../reference/expect-error.ts";
import { concat, entry, safetensorsFile, smallFile, u64, utf8 } from "../../reference/safetensors-builder.ts";

const test = suite("io-hostile");
const open = (bytes: Uint8Array) => openSafetensors(bytesSource(bytes, "bad.safetensors"));

/** A header of one tensor "t" made of these parts, and its data. */
const one = (dtype: string, shape: string, offsets: string, dataBytes: number): Uint8Array =>
  safetensorsFile(`{${entry("t", dtype, shape, offsets)}}`, dataBytes);
/** Two tensors of bytes with these offsets. */
const two = (a: [number, number], b: [number, number], dataBytes: number): Uint8Array =>
  safetensorsFile(
    `{${entry("a", "U8", `[${a[1] - a[0]}]`, JSON.stringify(a))},${entry("b", "U8", `[${b[1] - b[0]}]`, JSON.stringify(b))}}`,
    dataBytes,
  );
const good = '"dtype":"U8","shape":[1],"data_offsets":[0,1]';
const deep = (levels: number): string => `{"t":${"[".repeat(levels)}${"]".repeat(levels)}}`;

/** What is wrong, the file, and the message after the file's name. */
const CASES: readonly [what: string, file: Uint8Array, message: RegExp][] = [
  ["empty file", new Uint8Array(0), /is empty \(0 bytes\), expected a safetensors file$/],
  ["less than 8 bytes", new Uint8Array(7), /has 7 bytes, expected a safetensors file of 8 or more$/],
  ["header length 0", safetensorsFile("", 0), /header length 0, expected at least 2$/],
  [
    "header longer than the file",
    safetensorsFile("{}", 0, 3),
    /header length 3, expected at most 2 \(the file has 10 bytes\)$/,
  ],
  [
    "header of 2^53 bytes",
    safetensorsFile("{}", 0, 2n ** 53n + 1n),
    /header length 9007199254740993, expected at most 2 /,
  ],
  [
    "header of 2^64-1 bytes",
    safetensorsFile("{}", 0, 2n ** 64n - 1n),
    /header length 18446744073709551615, expected at most 2 /,
  ],
  ["no object", safetensorsFile("[]"), /header begins with byte 91, expected 123 \("\{"\)$/],
  ["nothing but white space", safetensorsFile(" \n\t"), /header begins with byte 32, expected 123/],
  ["white space that is none of JSON's", safetensorsFile("\u000b{}"), /header begins with byte 11, expected 123/],
  ["byte order mark", safetensorsFile("\ufeff{}"), /header begins with byte 239, expected 123/],
  [
    "no UTF-8",
    safetensorsFile(concat(utf8('{"'), Uint8Array.of(0xff), utf8('":1}'))),
    /header is not valid UTF-8, expected/,
  ],
  ["no JSON", safetensorsFile('{"a":}'), /header is not valid JSON, expected a JSON object$/],
  ["text after the object", safetensorsFile("{} x"), /header is not valid JSON, expected/],
  ["padding with zero bytes", safetensorsFile("{}\0\0"), /header is padded with NUL bytes, expected spaces/],
  [
    "tied tensors",
    two([0, 4], [0, 4], 4),
    /tensor "b" has the very bytes of "a" \(tied weights\), expected separate bytes/,
  ],
  ["unclosed string", safetensorsFile('{"a'), /header is not valid JSON, expected/],
  ["bad escape in a key", safetensorsFile('{"\\x":1}'), /header is not valid JSON, expected/],
  ["too many closers", safetensorsFile("{}]}"), /header is not valid JSON, expected/],
  ["deep nesting", safetensorsFile(deep(100_000)), /tensor "t" is nested 17 deep, expected at most 16$/],
  [
    "duplicate tensor",
    safetensorsFile(`{"t":{${good}},"t":{${good}}}`, 1),
    /header has tensor "t" twice, expected it once$/,
  ],
  [
    "duplicate tensor, escaped",
    safetensorsFile(`{"t":{${good}},"\\u0074" :{${good}}}`, 1),
    /header has tensor "t" twice/,
  ],
  [
    "duplicate __proto__",
    safetensorsFile(`{"__proto__":{${good}},"__proto__":{${good}}}`, 1),
    /tensor "__proto__" twice/,
  ],
  [
    "duplicate field",
    safetensorsFile(`{"t":{${good},"shape":[1]}}`, 1),
    /tensor "t" has field "shape" twice, expected it once$/,
  ],
  ["duplicate metadata", safetensorsFile('{"__metadata__":{"k":"1","k":"2"}}'), /"__metadata__" has field "k" twice/],
  ["tensor is a number", safetensorsFile('{"t":5}'), /tensor "t" is 5, expected an object$/],
  ["tensor is null", safetensorsFile('{"t":null}'), /tensor "t" is null, expected an object$/],
  ["tensor is an array", safetensorsFile('{"t":[1]}'), /tensor "t" is \[1\], expected an object$/],
  [
    "extra field",
    safetensorsFile(`{"t":{${good},"strides":[1]}}`, 1),
    /tensor "t" has field "strides", expected only dtype/,
  ],
  [
    "field __proto__",
    safetensorsFile(`{"t":{${good},"__proto__":{}}}`, 1),
    /tensor "t" has field "__proto__", expected only/,
  ],
  ["no dtype", safetensorsFile('{"t":{"shape":[1],"data_offsets":[0,1]}}', 1), /tensor "t" has no dtype, expected/],
  ["no shape", safetensorsFile('{"t":{"dtype":"U8","data_offsets":[0,1]}}', 1), /tensor "t" has no shape, expected/],
  ["no offsets", safetensorsFile('{"t":{"dtype":"U8","shape":[1]}}', 1), /tensor "t" has no data_offsets, expected/],
  ["inherited fields only", safetensorsFile('{"t":{"__proto__":{"dtype":"U8"}}}'), /tensor "t" has field "__proto__"/],
  ["unknown dtype", one("F33", "[1]", "[0,1]", 1), /tensor "t" has dtype "F33", expected a dtype of safetensors/],
  ["dtype of Object.prototype", one("toString", "[1]", "[0,1]", 1), /tensor "t" has dtype "toString", expected/],
  ["negative size", one("U8", "[-1]", "[0,1]", 1), /tensor "t" has shape \[-1\], expected an array of whole numbers/],
  ["minus zero", one("U8", "[-0]", "[0,0]", 0), /tensor "t" has shape \["-0"\], expected an array of whole numbers/],
  ["fractional size", one("U8", "[1.5]", "[0,1]", 1), /tensor "t" has shape \[1\.5\], expected an array/],
  ["size as text", one("U8", '["1"]', "[0,1]", 1), /tensor "t" has shape \["1"\], expected an array/],
  ["shape is no array", one("U8", "1", "[0,1]", 1), /tensor "t" has shape 1, expected an array/],
  ["size of 2^53", one("U8", "[9007199254740992]", "[0,1]", 1), /tensor "t" has shape \[9007199254740992\], expected/],
  ["size of infinity", one("U8", "[1e999]", "[0,1]", 1), /tensor "t" has shape \["Infinity"\], expected/],
  [
    "product beyond 2^53",
    one("F64", "[4294967296,4294967296]", "[0,8]", 8),
    /\[4294967296,4294967296\] of F64, expected less than 2\^53 bits$/,
  ],
  [
    "product wraps to 0 in 64 bits",
    one("U8", "[4294967296,4294967296,1]", "[0,0]", 0),
    /expected less than 2\^53 bits$/,
  ],
  [
    "huge product times 0",
    one("U8", "[4503599627370496,4503599627370496,0]", "[0,0]", 0),
    /expected less than 2\^53 bits$/,
  ],
  [
    "0 times a huge product",
    one("U8", "[0,4503599627370496,4503599627370496]", "[0,0]", 0),
    /expected less than 2\^53 bits$/,
  ],
  [
    "shape is larger than span",
    one("F32", "[2]", "[0,4]", 4),
    /tensor "t" spans 4 bytes, expected 8 \(\[2\] of F32\)$/,
  ],
  [
    "shape is smaller than span",
    one("F32", "[1]", "[0,8]", 8),
    /tensor "t" spans 8 bytes, expected 4 \(\[1\] of F32\)$/,
  ],
  ["half a byte", one("F4", "[3]", "[0,2]", 2), /tensor "t" has 12 bits \(\[3\] of F4\), expected whole bytes$/],
  ["6 bits, no whole bytes", one("F6_E2M3", "[2]", "[0,2]", 2), /tensor "t" has 12 bits .*, expected whole bytes$/],
  ["one offset", one("U8", "[1]", "[1]", 1), /tensor "t" has data_offsets \[1\], expected two whole numbers$/],
  ["three offsets", one("U8", "[1]", "[0,1,1]", 1), /tensor "t" has data_offsets \[0,1,1\], expected two/],
  ["offsets as an object", one("U8", "[1]", '{"0":0,"1":1}', 1), /tensor "t" has data_offsets \{.*, expected two/],
  ["negative offset", one("U8", "[1]", "[-1,0]", 1), /tensor "t" has data_offsets \[-1,0\], expected two/],
  ["begin after end", one("U8", "[1]", "[2,1]", 2), /tensor "t" has data_offsets \[2,1\], expected begin <= end$/],
  [
    "end outside",
    one("U8", "[2]", "[0,2]", 1),
    /tensor "t" ends at byte 2 of the data, expected at most 1 \(truncated file\?\)$/,
  ],
  ["overlap", two([0, 3], [2, 4], 4), /tensor "b" begins at byte 2 of the data and overlaps tensor "a", expected 3$/],
  [
    "empty tensor inside another",
    two([0, 4], [2, 2], 4),
    /tensor "b" begins at byte 2 of the data and overlaps tensor "a"/,
  ],
  ["gap", two([0, 1], [2, 4], 4), /tensor "b" begins at byte 2 of the data and leaves a gap before it, expected 1$/],
  [
    "gap at the start",
    one("U8", "[1]", "[1,2]", 2),
    /tensor "t" begins at byte 1 of the data and leaves a gap before it, expected 0$/,
  ],
  ["trailing bytes", one("U8", "[1]", "[0,1]", 3), /has 3 bytes of data, expected 1: trailing bytes after tensor "t"$/],
  ["data without tensors", safetensorsFile("{}", 1), /has 1 bytes of data, expected 0: trailing bytes$/],
  ["metadata is text", safetensorsFile('{"__metadata__":"x"}'), /__metadata__ is "x", expected an object$/],
  ["metadata is an array", safetensorsFile('{"__metadata__":[]}'), /__metadata__ is \[\], expected an object$/],
  [
    "metadata value is a number",
    safetensorsFile('{"__metadata__":{"k":1}}'),
    /__metadata__ "k" is 1, expected a string$/,
  ],
  [
    "lone surrogate in a name",
    safetensorsFile(`{"\\ud800":{${good}}}`, 1),
    /name has a lone surrogate, expected Unicode text$/,
  ],
  [
    "lone surrogate in metadata",
    safetensorsFile('{"__metadata__":{"k":"\\udc00"}}'),
    /"k" has a lone surrogate, expected/,
  ],
  ["text direction in a name", safetensorsFile('{"\u202egnp.":5}'), /tensor "\\u202egnp\." is 5, expected/],
];

for (const [what, file, message] of CASES) {
  test(`${what} is a FormatError that says so`, async () => {
    const error = await rejects(() => open(file), FormatError, message);
    assert.ok(error.message.startsWith("bad.safetensors "), `names the file: ${error.message}`);
    assert.ok(error.message.length < 700, "clips what the file says");
  });
}

test("a header beyond the reference's limit is refused before it is read", async () => {
  const reads: number[] = [];
  const source = {
    name: "big.safetensors",
    byteLength: 2 ** 40,
    async slice(start: number, end: number) {
      reads.push(end - start);
      return concat(u64(MAX_HEADER_BYTES + 1), new Uint8Array(end - start - 8));
    },
  };
  await rejects(
    () => openSafetensors(source),
    FormatError,
    /^big\.safetensors header length 100000001, expected at most 100000000$/,
  );
  assert.equal(reads, [16384]);
});

test("every truncation of a sound file is a FormatError", async () => {
  const file = smallFile();
  assert.is((await open(file)).tensors.size, 2);
  for (let length = 0; length < file.length; length++) {
    await rejects(() => open(file.slice(0, length)), FormatError, /^bad\.safetensors .*, expected /);
    await rejects(() => openModel(file.slice(0, length), { name: "cut" }), FormatError, /^cut .*, expected /);
  }
  await rejects(() => open(concat(file, Uint8Array.of(0))), FormatError, /trailing bytes/);
});

test("a source that gives less than it was asked for is a FormatError", async () => {
  const whole = bytesSource(smallFile(), "short");
  const model = await openSafetensors({
    ...whole,
    slice: async (start, end) => whole.slice(start, start > 8 ? end - 1 : end),
  });
  await rejects(() => model.read("a"), FormatError, /^short tensor "a" gave 5 bytes, expected 6$/);
});

/** Opens and reads everything; a model that opened must be readable and consistent. */
async function survives(bytes: Uint8Array): Promise<boolean> {
  try {
    const model = await openModel(bytes);
    for (const [name, info] of model.tensors) assert.is((await model.read(name)).length, tensorBytes(info));
    return true;
  } catch (error) {
    assert.ok(error instanceof FormatError, `expected a model or a FormatError, got ${String(error)}`);
    return false;
  }
}

test("a sound file with flipped bytes either parses or is a FormatError, nothing else", async () => {
  const rng = createRng(2024);
  const file = smallFile();
  let parsed = 0;
  for (let run = 0; run < 4000; run++) {
    const bytes = file.slice();
    for (let flips = 1 + rng.below(3); flips > 0; flips--) bytes[rng.below(bytes.length)]! ^= 1 << rng.below(8);
    if (await survives(bytes)) parsed++;
  }
  assert.ok(parsed > 0 && parsed < 4000, `${parsed} of 4000 parsed: the flips reach both outcomes`);
});

test("a header whose tokens are shuffled, repeated and lost either parses or is a FormatError", async () => {
  const rng = createRng(7);
  const tokens =
    '{ } [ ] , : "t" "u" "dtype" "shape" "data_offsets" "__metadata__" "U8" "F32" 0 1 4 -1 1e400 null "\\u0074" "\\'.split(
      " ",
    );
  const sound = `{"t":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}`.match(/"[^"]*"|\d+|./g)!;
  let parsed = 0;
  for (let run = 0; run < 4000; run++) {
    const header = [...sound];
    for (let edits = rng.below(3); edits > 0; edits--) {
      const replacement = rng.below(4) === 0 ? [] : [tokens[rng.below(tokens.length)]!];
      header.splice(rng.below(header.length), rng.below(2), ...replacement);
    }
    if (await survives(safetensorsFile(header.join(""), 4))) parsed++;
  }
  assert.ok(parsed > 0 && parsed < 4000, `${parsed} of 4000 parsed: the edits reach both outcomes`);
});

test.run();
