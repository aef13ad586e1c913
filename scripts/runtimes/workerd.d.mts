import type { ChildProcess } from "node:child_process";

export interface Worker {
  readonly url: string;
  readonly child: ChildProcess;
  stop(): void;
}

export function workerdBinary(): string;
export function startWorker(
  folder: string,
  options: {
    main: string;
    modules?: readonly string[];
    bindings?: Readonly<Record<string, string>>;
    flags?: readonly string[];
    v8Flags?: readonly string[];
  },
): Promise<Worker>;
