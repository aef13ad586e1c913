/** TypeScript, strict: the types of what it uses are stated, so that a change of theirs is an error here. */
import { readFile } from "node:fs/promises";
import { encodeSafetensors, type MatchReport, type Model, type Rebasin, rebasin } from "rebasin";
import { costMatrix } from "rebasin/kernels";
import { openModel } from "rebasin/node";

const [a, b] = process.argv.slice(2) as [string, string];

async function digest(model: Model): Promise<string> {
  const bytes: Uint8Array<ArrayBuffer> = await encodeSafetensors(model);
  const hash: ArrayBuffer = await crypto.subtle.digest("SHA-256", bytes);
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const fromBytes: Rebasin = await rebasin(await readFile(a), await readFile(b), { lambda: 0.5 });
const fromPaths: Rebasin = await rebasin(await openModel(a), await openModel(b));
const report: MatchReport = fromBytes.report;
const cost: Float32Array = costMatrix(Float32Array.of(2), Float32Array.of(3), 1, 1);
if (cost[0] !== 6 || !(report.objective > report.identityObjective)) throw new Error("wrong numbers");
console.log(await digest(fromBytes.model));
console.log(await digest(fromPaths.model));
