import type { ChildProcess } from "node:child_process";

export function which(...names: string[]): string | null;
export function freePort(): Promise<number>;
export function untilReady<T>(child: ChildProcess, attempt: () => Promise<T>): Promise<T>;
