/** `--memory`: fewer bytes, the same result; and the temporary file that makes it so. */

import { readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { memoryModel } from "../../src/base/memory-model.ts";
import { createRng } from "../../src/base/rng.ts";
import { createScratchFile, halfOfMemory } from "../../src/kernels/scratch-file.ts";
import { saveSafetensors } from "../../src/node/save-safetensors.ts";
import { A, B, commandLine } from "../reference/command-line.ts";
import { gaussianArray } from "../reference/random.ts";

const test = suite("bounded memory");
const cli = commandLine(test);
const { run } = cli;

const leftovers = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith("rebasin-"));

test("merge with a limit writes the same bytes, by either method, on one thread and on two", async () => {
  for (const method of ["frank-wolfe", "coordinate"]) {
    const words = ["merge", A, B, "--method", method, "--force", "-o"];
    assert.is((await run(...words, "free.safetensors")).code, 0);
    for (const threads of ["1", "2"]) {
      const { code, stderr } = await run(...words, "bound.safetensors", "--memory", "113 MB", "--threads", threads);
      assert.is(code, 0, stderr);
      assert.ok(cli.bytes("free.safetensors").equals(cli.bytes("bound.safetensors")), `${method}, ${threads} threads`);
    }
  }
});

test("nested permutations and experts: the same bytes in the least memory there is", async () => {
  const sizes = { E: 3, F: 20, G: 2, H: 4, V: 10, R: 30 };
  const slices = (name: string, axes: string[], series: string) =>
    [0, 1, 2].map((at) => [`${at}.${name}`, { axes, slice: { of: "E", at, series } }] as const);
  const spec = {
    format: "rebasin-spec/2",
    tensors: {
      in: { axes: ["_", "R"] },
      router: { axes: ["E", "R"] },
      ...Object.fromEntries([...slices("up", ["F/E", "R"], "up"), ...slices("down", ["R", "F/E"], "down")]),
      stacked: { axes: ["E", "R", "2*F/E"] },
      q: { axes: ["H*5", "R"] },
      v: { axes: ["V", "R"] },
      o: { axes: ["R", "G*H/G*V/G"] },
      out: { axes: ["R", "_"] },
    },
    permutations: { F: { outer: "E", inner: 20 }, H: { outer: "G", inner: 2 }, V: { outer: "G", inner: 5 } },
  };
  const { E, F, G, H, V, R } = sizes;
  const shapes: Record<string, number[]> = {
    ...{ in: [9, R], router: [E, R], stacked: [E, R, 2 * F], out: [R, 4] },
    ...{ q: [5 * H, R], v: [V, R], o: [R, G * (H / G) * (V / G)] },
    ...Object.fromEntries(
      [0, 1, 2].flatMap((at) => [
        [`${at}.up`, [F, R]],
        [`${at}.down`, [R, F]],
      ]),
    ),
  };
  writeFileSync(cli.path("experts.json"), JSON.stringify(spec));
  for (const name of ["x", "y"]) {
    const rng = createRng(name.charCodeAt(0));
    const tensors = new Map(
      Object.entries(shapes).map(([tensor, shape]) => {
        const data = gaussianArray(
          shape.reduce((all, size) => all * size),
          rng,
        );
        return [tensor, { dtype: "F32" as const, shape, data: new Uint8Array(data.buffer) }];
      }),
    );
    await saveSafetensors(memoryModel(tensors), cli.path(`${name}.safetensors`), {});
  }
  for (const method of ["frank-wolfe", "coordinate"])
    for (const only of ["E", "R,G"]) {
      const words = ["merge", "x.safetensors", "y.safetensors", "--spec", "experts.json", "--only", only];
      words.push("--method", method, "--force", "--permutations-out", "p.safetensors", "-o", "merged.safetensors");
      const bytes = async (...more: string[]): Promise<Buffer[]> => {
        const { code, stderr } = await run(...words, ...more);
        assert.is(code, 0, stderr);
        return [cli.bytes("p.safetensors"), cli.bytes("merged.safetensors")];
      };
      const free = await bytes();
      for (const threads of ["1", "2"]) {
        const refused = await run(...words, "--threads", threads, "--memory", "1kB");
        const least = /expected at least (\d+) to match/.exec(refused.stderr)?.[1];
        assert.ok(least !== undefined, refused.stderr);
        assert.equal(await bytes("--threads", threads, "--memory", least), free, `${method}, ${only}, ${threads}`);
      }
    }
});

test("too little memory is refused with the number, and bytes are written as people write them", async () => {
  const words = ["match", A, B, "-o", "p.safetensors", "--force", "--memory"];
  const { code, stderr } = await run(...words, "1kB");
  assert.is(code, 1);
  assert.match(stderr, /memory 1000 bytes, expected at least \d+ to match these models/);
  for (const amount of ["1GB", "1 GiB", "1.5gb", "2e9", "1000000000", "900000kB"])
    assert.is((await run(...words, amount)).code, 0, amount);
  for (const amount of ["much", "0", "-1GB", "1 XB", "NaN"]) {
    const refused = await run(...words.slice(0, -1), `--memory=${amount}`);
    assert.is(refused.code, 2, amount);
    assert.match(refused.stderr, /--memory .*, expected a number of bytes such as 500MB or 2GB/);
  }
  const byData = await run(...words, "1GB", "--method", "activations", "--data", ".");
  assert.is(byData.code, 2);
  assert.match(byData.stderr, /--memory.*method/);
});

test("a scratch file gives back what was written, also to shared memory, and leaves nothing behind", () => {
  const before = leftovers().length;
  const file = createScratchFile();
  assert.ok(file !== null);
  const bytes = Uint8Array.from({ length: 100_000 }, (_, i) => i * 7);
  file.write(bytes, 12_345);
  file.write(bytes.subarray(0, 10), 0);
  for (const buffer of [new ArrayBuffer(bytes.length), new SharedArrayBuffer(bytes.length)]) {
    const back = new Uint8Array(buffer as ArrayBuffer);
    file.read(back, 12_345);
    assert.ok(back.every((value, i) => value === bytes[i]));
  }
  assert.throws(() => file.read(new Uint8Array(10), 1e9), /temporary file .* ended/);
  file.close();
  file.close();
  assert.is(leftovers().length, before);
});

test("half of what the machine has is known here", () => {
  const half = halfOfMemory();
  assert.ok(half !== undefined && half > 1e8 && Number.isSafeInteger(half), String(half));
  // A container's limit counts, by whichever version of cgroups the runtime finds it; 0 and 2⁶⁴ are none.
  const os = { totalmem: () => 8e9, tmpdir: () => "" };
  const halfOf = (limit: number | undefined): number | undefined =>
    halfOfMemory({
      getBuiltinModule: (() => os) as never,
      ...(limit !== undefined && { constrainedMemory: () => limit }),
    });
  assert.equal([0, undefined, 2 ** 64, 2 ** 63, 16e9].map(halfOf), [4e9, 4e9, 4e9, 4e9, 4e9]);
  assert.equal([2e9, 512e6 + 1].map(halfOf), [1e9, 256e6]);
  assert.is(halfOfMemory({}), undefined);
});

test.run();
