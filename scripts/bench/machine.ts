/** Where and when a benchmark ran: without that its figures say nothing. */

import { availableParallelism, cpus, loadavg, totalmem } from "node:os";
import { join } from "node:path";

/** The checkout: scripts are bundled into build/scripts/. */
export const ROOT: string = join(import.meta.dirname, "../..");

/** A one-minute load above this means that someone else is at work here too. */
const QUIET_LOAD = 0.7;

/** "Node 20": figures of different majors are kept side by side. */
export function runtimeMajor(): string {
  return `Node ${process.versions.node.split(".")[0]}`;
}

/** One line: processor, cores, memory, runtime, date; and a warning where the machine was not quiet. */
export function describeMachine(): string {
  const model = cpus()[0]?.model.trim() ?? "unknown processor";
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  const runtime = `Node ${process.versions.node} (V8 ${process.versions.v8})`;
  const date = new Date().toISOString().slice(0, 10);
  const load = loadavg()[0]!;
  const noise = load > QUIET_LOAD ? `; the machine was not quiet, load ${load.toFixed(1)} at the start` : "";
  return `${model}, ${availableParallelism()} cores, ${memory}, ${process.platform} ${process.arch}, ${runtime}, ${date}${noise}`;
}
