/**
 * Least squares beside numpy, both on one thread: `node scripts/run.mjs scripts/bench/least-squares.ts MERGED A ALIGNED_B DATA [IMAGES]`
 * for a ResNet20 with LayerNorm on images pooled to 14×14; then Cholesky beside dpotrf. OpenBLAS is told to compute as on Haswell.
 */

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { firstImages } from "rebasin/data";
import { openModel, readDataFolder } from "rebasin/node";
import { repairModel } from "rebasin/repair";
import { createRng } from "../../src/base/rng.ts";
import { createExtraKernels } from "../../src/kernels/extra-kernels.ts";
import { describeMachine, ROOT } from "./machine.ts";

const ENVIRONMENT = { ...process.env, OPENBLAS_CORETYPE: "Haswell", OPENBLAS_NUM_THREADS: "1" };
const SIZES = [512, 1152, 2304, 4608];
const ROUNDS = 3;

const python = (...words: string[]): string =>
  execFileSync(process.env.PYTHON ?? "python3", [join(ROOT, "scripts/bench/least_squares.py"), ...words], {
    env: ENVIRONMENT,
    encoding: "utf8",
  });

async function ours(files: readonly string[], folder: string, images: number): Promise<number> {
  const models = await Promise.all(files.map((file) => openModel(file)));
  const data = firstImages(await readDataFolder(folder, { split: "train", inputSize: 14 }), images);
  const started = performance.now();
  await repairModel(models[0]!, models.slice(1), data, { kind: "least-squares" });
  const seconds = (performance.now() - started) / 1000;
  for (const model of models) await model.close?.();
  return seconds;
}

/** Seconds of one factor of a random positive definite n × n matrix, and its largest relative residual. */
function cholesky(n: number): { seconds: number; residual: number } {
  const { wasm, arena, f32, f64 } = createExtraKernels();
  const rng = createRng(n);
  const [rows, a] = [arena.allocate(4 * n * n), arena.allocate(8 * n * (n + 1))];
  const values = f32(rows, n * n);
  for (let i = 0; i < values.length; i++) values[i] = rng.uniform() - 0.5;
  const [work, diagonal, r] = [
    arena.allocate(Math.max(wasm.gramWork(n), wasm.choleskyWork(n + 1), wasm.subtractProductWork(n, 1))),
    arena.allocate(8 * n),
    arena.allocate(8 * n),
  ];
  f64(a, n * (n + 1)).fill(0);
  wasm.gram(a, n + 1, n, rows, n, n, n, work);
  const view = f64(a, n * (n + 1));
  for (let i = 0; i < n; i++) {
    view[i * (n + 1) + i]! += n;
    view[i * (n + 1) + n] = 1;
  }
  f64(r, n).fill(1);
  wasm.mirror(a, n + 1, n, diagonal);
  const started = performance.now();
  wasm.cholesky(a, n + 1, n, n + 1, work);
  const seconds = (performance.now() - started) / 1000;
  wasm.backSolve(a, n + 1, n, n + 1, work);
  wasm.subtractProduct(r, 1, a, n + 1, diagonal, n, a + 8 * n, n + 1, 1, work);
  return { seconds, residual: f64(r, n).reduce((most, each) => Math.max(most, Math.abs(each)), 0) };
}

const [merged, a, b, folder, count = "500"] = process.argv.slice(2) as [string, string, string, string, string?];
console.log(describeMachine());
const temporary = mkdtempSync(join(tmpdir(), "rebasin-bench-"));
try {
  for (let round = 0; round < ROUNDS; round++) {
    const mine = await ours([merged, a, b], folder, Number(count));
    const theirs = Number(python("repair", merged, a, b, folder, count, join(temporary, "out.npz")));
    console.log(
      `repair, ${count} images: ${mine.toFixed(1)} s, numpy ${theirs.toFixed(1)} s, ratio ${(mine / theirs).toFixed(2)}`,
    );
  }
  for (const n of SIZES) {
    const mine = Array.from({ length: ROUNDS }, () => cholesky(n));
    const seconds = Math.min(...mine.map((each) => each.seconds));
    const theirs = Number(python("cholesky", String(n)).split(" ")[1]);
    const residual = Math.max(...mine.map((each) => each.residual));
    console.log(
      `cholesky ${n}: ${(1000 * seconds).toFixed(1)} ms, dpotrf ${(1000 * theirs).toFixed(1)} ms, speed ${(theirs / seconds).toFixed(2)}, residual ${residual.toExponential(1)}`,
    );
  }
} finally {
  rmSync(temporary, { recursive: true, force: true });
}
