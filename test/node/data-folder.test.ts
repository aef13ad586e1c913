/** Folders of images by their usual names. */

import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { zipSync } from "fflate";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { FormatError } from "../../src/base/errors.ts";
import { readDataFolder } from "../../src/node/data-folder.ts";
import { bytesOf, gzip, idxFile, npyFile, npyHeader } from "../reference/data-files.ts";
import { rejects } from "../reference/expect-error.ts";
import { inFolder } from "../reference/temporary-folder.ts";

declare const __ROOT__: string;

const test = suite("data folders");
const fixture = (name: string): string => join(__ROOT__, "test/fixtures", name);

const images = idxFile([3, 2, 2], [255, 0, 0, 0, 51, 51, 51, 51, 9, 9, 9, 9]);
const labels = idxFile([3], [1, 2, 0]);
const x = npyFile(npyHeader("|u1", [1, 1, 1]), [255]);
const y = npyFile(npyHeader("|u1", [1]), [6]);
const record = (label: number): Uint8Array => bytesOf([label], new Uint8Array(3072).fill(label));
const fine = (label: number): Uint8Array => bytesOf([0], record(label));

/** Writes files, then runs `work` in their folder. */
function withFiles(files: Record<string, Uint8Array>, work: (folder: string) => Promise<void>): Promise<void> {
  return inFolder(async (folder) => {
    for (const [name, bytes] of Object.entries(files)) {
      mkdirSync(join(folder, name, ".."), { recursive: true });
      writeFileSync(join(folder, name), bytes);
    }
    await work(folder);
  });
}

test("MNIST's names, gzipped or not, either split; limited, pooled, scaled", async () => {
  const files = {
    "t10k-images-idx3-ubyte": images,
    "t10k-labels-idx1-ubyte.gz": await gzip(labels),
    "train-images.idx3-ubyte.gz": await gzip(idxFile([1, 1, 1], [255])),
    "train-labels-idx1-ubyte": idxFile([1], [8]),
    "notes.txt": bytesOf("nothing"),
  };
  await withFiles(files, async (folder) => {
    const data = await readDataFolder(folder, { split: "test" });
    assert.equal([data.name, data.count, data.height, data.classes], [`${folder} (test)`, 3, 2, 3]);
    assert.equal([...data.read(0, 1)], [1, 0, 0, 0]);
    const options = { split: "test", limit: 2, inputSize: 1, scale: 51 } as const;
    const small = await readDataFolder(folder, options);
    assert.equal([small.count, small.height, ...small.labels, ...small.read(0, 2)], [2, 1, 1, 2, 1.25, 1]);
    const train = await readDataFolder(folder, { split: "train" });
    assert.equal([train.count, ...train.labels, ...train.read(0, 1)], [1, 8, 1]);
  });
});

test("CIFAR-10 and CIFAR-100, beside or in the folders of their archives", async () => {
  const batches = Object.fromEntries([1, 2, 3, 4, 5].map((i) => [`data_batch_${i}.bin`, record(i)]));
  await withFiles({ ...batches, "test_batch.bin": record(9) }, async (folder) => {
    const train = await readDataFolder(folder, { split: "train" });
    assert.equal([train.count, train.classes, train.channels, ...train.labels], [5, 10, 3, 1, 2, 3, 4, 5]);
    const data = await readDataFolder(folder, { split: "test", inputSize: 16, scale: 9 });
    assert.equal([data.height, ...data.labels, data.read(0, 1)[0]], [16, 9, 1]);
  });
  await withFiles({ "cifar-100-binary/test.bin": fine(99), "cifar-100-binary/train.bin": fine(5) }, async (folder) => {
    assert.equal([...(await readDataFolder(folder, { split: "train" })).labels], [5]);
    const data = await readDataFolder(folder, { split: "test" });
    assert.equal([data.classes, ...data.labels], [100, 99]);
  });
});

test("NumPy's: one .npz for each split, one for both as Keras has it, or .npy", async () => {
  const cases: Record<string, Uint8Array>[] = [
    { "test.npz": zipSync({ "x.npy": x, "y.npy": y }) },
    { "test.npz": zipSync({ "images.npy": x, "labels.npy": y }) },
    { "mnist.npz": zipSync({ "x_test.npy": x, "y_test.npy": y, "x_train.npy": y }) },
    { "x_test.npy": x, "y_test.npy": y },
  ];
  for (const files of cases) {
    await withFiles(files, async (folder) => {
      const data = await readDataFolder(folder, { split: "test" });
      assert.equal([...data.labels, ...data.read(0, 1)], [6, 1]);
    });
  }
});

test("what is missing is named, and where to get it; two kinds at once are refused", async () => {
  const refuses = (files: Record<string, Uint8Array>, message: RegExp, split: "train" | "test" = "test") =>
    withFiles(files, async (folder) => {
      await rejects(() => readDataFolder(folder, { split }), FormatError, message);
    });
  const place = /\(Fashion-MNIST: https:\/\/github\.com\/zalandoresearch\/fashion-mnist, CIFAR: https:/;
  await refuses(
    {},
    /has no test images, expected one of t10k-images-idx3-ubyte\[\.gz\], test_batch\.bin, test\.bin, test\.npz, x_test\.npy/,
  );
  await refuses({}, place);
  await refuses({ "t10k-images-idx3-ubyte": images }, /has no train images, expected one of train-images/, "train");
  const beside =
    /t10k-labels-idx1-ubyte not found, expected t10k-labels-idx1-ubyte or \.gz beside t10k-images-idx3-ubyte/;
  await refuses({ "t10k-images-idx3-ubyte": images }, beside);
  await refuses(
    { "data_batch_1.bin": record(0), "data_batch_2.bin": record(0) },
    /data_batch_3\.bin not found/,
    "train",
  );
  await refuses({ "x_test.npy": x }, /y_test\.npy not found/);
  const twice = { "t10k-images-idx3-ubyte": images, "t10k-labels-idx1-ubyte": labels, "test_batch.bin": record(0) };
  await refuses(twice, /has test images twice \(t10k-images-idx3-ubyte and test_batch\.bin\), expected one kind$/);
  await refuses({ "test.npz": zipSync({ "a.npy": x }) }, /test\.npz holds a, expected one of x_test, x, images$/);
  await refuses({ "test_batch.bin": new Uint8Array(9) }, /test_batch\.bin holds 9 bytes, expected a multiple of 3073/);
  await inFolder(async (folder) => {
    const [missing, file] = [join(folder, "none"), join(folder, "file")];
    await rejects(
      () => readDataFolder(missing, { split: "test" }),
      FormatError,
      /none: no such folder, expected a folder of images/,
    );
    writeFileSync(file, "");
    await rejects(
      () => readDataFolder(file, { split: "test" }),
      FormatError,
      /file(?:: no such file|:? ?.*not a directory.*), expected a folder/i,
    );
  });
});

test("wrong options are refused; an aborted signal stops", async () => {
  await withFiles({ "t10k-images-idx3-ubyte": images, "t10k-labels-idx1-ubyte": labels }, async (folder) => {
    const read = (options: object) => () => readDataFolder(folder, { split: "test", ...options });
    await rejects(
      read({ inputSize: 3 }),
      RangeError,
      /has images of 2×2, expected sides that 3 divides \(these can be pooled to 2, 1\)/,
    );
    await rejects(read({ limit: 0 }), RangeError, /first 0 images, expected 1 or more$/);
    await rejects(read({ split: "valid" }), RangeError, /^split "valid", expected "train" or "test"$/);
    await rejects(read({ size: 3 }), TypeError, /option "size"/);
    await rejects(read({ signal: AbortSignal.abort(new RangeError("stopped")) }), RangeError, /^stopped$/);
  });
});

test("the embedded slice holds 1,000 images of ten classes", () =>
  inFolder(async (folder) => {
    for (const [from, to] of [
      ["images-1000-idx3", "images-idx3"],
      ["labels-1000-idx1", "labels-idx1"],
    ])
      copyFileSync(fixture(`t10k-${from}-ubyte.gz`), join(folder, `t10k-${to}-ubyte.gz`));
    const data = await readDataFolder(folder, { split: "test" });
    assert.equal([data.count, data.height, data.width, data.channels, data.classes], [1000, 28, 28, 1, 10]);
    const { gunzipSync } = await import("node:zlib");
    const bytes = gunzipSync(readFileSync(fixture("t10k-images-1000-idx3-ubyte.gz")));
    const wrong = data.read(0, 1000).findIndex((value, i) => value !== Math.fround(bytes[16 + i]! / 255));
    assert.is(wrong, -1);
  }));

test.run();
