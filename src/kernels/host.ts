/** What the host offers for threads: how many, and workers to run them in. Every host is probed, none is assumed. */

/** A worker of any host, and no more of it than is used. */
export interface HostWorker {
  postMessage(message: unknown): void;
  terminate(): unknown;
}

/** Messages of a worker. After `onDeath` nothing more comes. */
export interface WorkerEvents {
  readonly onMessage: (message: unknown) => void;
  readonly onDeath: (reason: string) => void;
}

/** The parts of Node's worker and of Node's modules that are used here. */
interface NodeWorker extends HostWorker {
  on(event: string, listener: (value: unknown) => void): void;
  unref(): void;
}
interface NodeProcess {
  readonly versions?: { readonly node?: string } | undefined;
  getBuiltinModule?(name: "worker_threads"): {
    Worker: new (source: string, options: { eval: boolean; execArgv: string[] }) => NodeWorker;
  };
  getBuiltinModule?(name: "os"): { availableParallelism(): number };
}

/** Threads worth starting on this machine; 1 where the host does not report it. */
export function availableThreads(): number {
  const { navigator } = globalThis as { navigator?: { hardwareConcurrency?: number } };
  return navigator?.hardwareConcurrency ?? nodeProcess()?.getBuiltinModule?.("os").availableParallelism() ?? 1;
}

/**
 * Starts a worker on `source`, a classic script without imports that finds its port in the variable `port`. It does not
 * keep a process alive where the host lets a worker choose. Throws where workers cannot be had.
 */
export function startWorker(source: string, events: WorkerEvents): HostWorker {
  const node = nodeProcess()?.getBuiltinModule?.("worker_threads");
  return node === undefined
    ? startWebWorker(source, events)
    : startNodeWorker(new node.Worker(inNode(source), BARE), events);
}

/** No flags of the process reach the worker: a preloaded module or another syntax mode is not for it. */
const BARE = { eval: true, execArgv: [] };

function inNode(source: string): string {
  return `const port = process.getBuiltinModule("worker_threads").parentPort;\n${source}`;
}

function startNodeWorker(worker: NodeWorker, { onMessage, onDeath }: WorkerEvents): HostWorker {
  worker.on("message", onMessage);
  worker.on("error", (error) => onDeath(String(error)));
  worker.on("exit", (code) => onDeath(`exit code ${code}`));
  worker.unref();
  return worker;
}

function startWebWorker(source: string, { onMessage, onDeath }: WorkerEvents): HostWorker {
  const url = URL.createObjectURL(new Blob([`const port = self;\n${source}`], { type: "text/javascript" }));
  // The worker has read its script once it says something; until then the address must stand.
  const release = (): void => URL.revokeObjectURL(url);
  try {
    const worker = new Worker(url, { type: "module" });
    worker.onmessage = ({ data }) => {
      release();
      onMessage(data);
    };
    worker.onerror = (event) => {
      release();
      // Deno ends the process over an error that nobody has handled.
      event.preventDefault?.();
      onDeath(event.message || "no reason given");
    };
    // Bun's workers can be told not to keep the process alive.
    (worker as { unref?: () => void }).unref?.();
    return worker;
  } catch (error) {
    release();
    throw error;
  }
}

/** Node's `process`, not one of those that other hosts put in its place: they have the Web's workers. */
function nodeProcess(): NodeProcess | undefined {
  const scope = globalThis as { process?: NodeProcess; Deno?: unknown; Bun?: unknown };
  if (scope.Deno !== undefined || scope.Bun !== undefined || scope.process?.versions?.node === undefined)
    return undefined;
  return scope.process;
}
