/** The Python entrants, in one long-lived child through a pipe: `entrants.py` times each call where the data lies. */

import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { ROOT } from "./machine.ts";

/** A running child. Requests are answered in order. */
export interface Python {
  /** What it was started as. */
  readonly command: string;
  /** numpy, scipy, BLAS and Python by version. */
  readonly versions: string;
  /** Sends a request and, after it, `data`; resolves to the answer's fields and the bytes that follow it. */
  ask(request: Record<string, unknown>, data?: Uint8Array): Promise<Answer>;
  /** Ends the child. */
  stop(): void;
}

export interface Answer {
  readonly fields: Readonly<Record<string, number | string>>;
  readonly data: Uint8Array<ArrayBuffer>;
}

/** Variables that would change what OpenBLAS does; one thread is asked for instead. */
const UNSET = ["OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "OMP_NUM_THREADS", "GOTO_NUM_THREADS"];

/** Debian's Python, where its python3-numpy and python3-scipy are. */
const DEBIAN_PYTHON = "/usr/bin/python3";

/** Starts the child, or says why there are no Python entrants. `command` instead of Debian's Python or the path's. */
export async function startPython(command: string | undefined): Promise<Python | string> {
  const reasons: string[] = [];
  for (const candidate of command === undefined ? [DEBIAN_PYTHON, "python3"] : [command]) {
    try {
      return await start(candidate);
    } catch (error) {
      reasons.push(`${candidate}: ${(error as Error).message}`);
    }
  }
  return reasons.join("; ");
}

/** The environment of the entrants: OpenBLAS as it is, on one thread. */
export function pythonEnvironment(): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...process.env, OPENBLAS_NUM_THREADS: "1" };
  for (const name of UNSET) delete env[name];
  return env;
}

async function start(command: string): Promise<Python> {
  const child = spawn(command, [join(ROOT, "scripts/bench/entrants.py")], {
    stdio: ["pipe", "pipe", "inherit"],
    env: pythonEnvironment(),
  });
  const failed = new Promise<never>((_, reject) => {
    child.on("error", reject);
    child.on("close", (code) => reject(new Error(`python ended with code ${code}, expected an answer`)));
    // A child that ended cannot be written to; its end is reported above.
    child.stdin.on("error", () => {});
  });
  failed.catch(() => {});
  const reader = answersOf(child);
  const ask = async (request: Record<string, unknown>, data?: Uint8Array): Promise<Answer> => {
    const head = data === undefined ? request : { ...request, bytes: data.length };
    child.stdin.write(`${JSON.stringify(head)}\n`);
    if (data !== undefined) child.stdin.write(data);
    const answer = await Promise.race([reader(), failed]);
    if (answer.fields.error !== undefined) throw new Error(String(answer.fields.error));
    return answer;
  };
  try {
    const { fields } = await ask({ request: "versions" });
    const versions = `Python ${fields.python}, numpy ${fields.numpy} (${fields.blas}, one thread), scipy ${fields.scipy}`;
    return { command, versions, ask, stop: () => child.kill() };
  } catch (error) {
    child.kill();
    throw error;
  }
}

/** Reads answers off the child's output: a line of JSON, then as many bytes as it says. */
function answersOf(child: ChildProcess): () => Promise<Answer> {
  let chunks: Buffer[] = [];
  let held = 0;
  let wake = (): void => {};
  child.stdout!.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    held += chunk.length;
    wake();
  });
  const more = (): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
    });
  const take = (length: number): Buffer => {
    const all = Buffer.concat(chunks);
    chunks = [all.subarray(length)];
    held = all.length - length;
    return all.subarray(0, length);
  };
  return async () => {
    // An answer's head arrives in one piece or a few: looking at all of it each time costs nothing.
    let end = -1;
    for (;;) {
      end = Buffer.concat(chunks).indexOf(10);
      if (end >= 0) break;
      await more();
    }
    const fields = JSON.parse(take(end + 1).toString("utf8"));
    const bytes = Number(fields.bytes ?? 0);
    while (held < bytes) await more();
    return { fields, data: new Uint8Array(take(bytes)) };
  };
}

/** The bytes of a float array, as a view. */
export function bytesOf(array: Float32Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
