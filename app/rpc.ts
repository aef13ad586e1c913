/** Calls from the page to a worker: one message each way, progress in between, and a message that cancels. */

/** What a worker can be asked: name → argument, progress reports, result. All of it must be cloneable. */
export type CallTable = Record<string, { argument: unknown; progress: unknown; result: unknown }>;

/** What a handler gets beside its argument. */
export interface CallContext<Progress> {
  /** Aborted when the page cancels the call. */
  readonly signal: AbortSignal;
  /** Reports; more often than every 50 ms only the latest is sent. */
  progress(report: Progress): void;
}

/** One function a call. */
export type Handlers<Table extends CallTable> = {
  readonly [Name in keyof Table]: (
    argument: Table[Name]["argument"],
    context: CallContext<Table[Name]["progress"]>,
  ) => Promise<Table[Name]["result"]>;
};

/** Page → worker. */
type Request =
  | { readonly id: number; readonly call: string; readonly argument: unknown }
  | { readonly id: number; readonly cancel: true };

/** Worker → page. */
type Reply =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly progress: unknown }
  | { readonly id: number; readonly error: { readonly name: string; readonly message: string } };

/** Reports closer together than this cost the page more than they help. */
const REPORT_EVERY_MS = 50;

/** The parts of a worker's global scope used here. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<Request>) => void) | null;
  postMessage(message: Reply, options?: { transfer: Transferable[] }): void;
}

/** Answers calls in a worker with `handlers`. */
export function serve<Table extends CallTable>(handlers: Handlers<Table>): void {
  const scope = globalThis as unknown as WorkerScope;
  const running = new Map<number, AbortController>();
  scope.onmessage = async ({ data }) => {
    const { id } = data;
    if ("cancel" in data) {
      running.get(id)?.abort();
      return;
    }
    const controller = new AbortController();
    running.set(id, controller);
    const progress = throttle((report: unknown) => scope.postMessage({ id, progress: report }));
    try {
      const handler = handlers[data.call]!;
      const result = await handler(data.argument as never, { signal: controller.signal, progress: progress.report });
      progress.flush();
      scope.postMessage({ id, result }, { transfer: transferables(result) });
    } catch (error) {
      progress.drop();
      const { name, message } = error instanceof Error ? error : { name: "Error", message: String(error) };
      scope.postMessage({ id, error: { name, message } });
    } finally {
      running.delete(id);
    }
  };
}

/** Lets a report through at most every `REPORT_EVERY_MS`; `flush` sends the last one held back. */
function throttle(send: (report: unknown) => void): { report(r: unknown): void; flush(): void; drop(): void } {
  let last = Number.NEGATIVE_INFINITY;
  let held: { report: unknown } | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (held === null) return;
    last = performance.now();
    send(held.report);
    held = null;
  };
  return {
    report(report) {
      held = { report };
      const wait = last + REPORT_EVERY_MS - performance.now();
      if (wait <= 0) flush();
      else timer ??= setTimeout(flush, wait);
    },
    flush,
    drop() {
      clearTimeout(timer);
      held = null;
    },
  };
}

/** Array buffers directly in an argument or a result: handed over, not copied. */
function transferables(message: unknown): Transferable[] {
  if (typeof message !== "object" || message === null) return [];
  return [...new Set(Object.values(message).filter((value) => value instanceof ArrayBuffer))];
}

/** Options of one call. */
export interface CallOptions<Progress> {
  readonly signal?: AbortSignal;
  readonly onProgress?: (report: Progress) => void;
}

/** The page's end of a worker. */
export interface Connection<Table extends CallTable> {
  /** Starts the worker, if none runs, so that the first call need not wait for it. */
  start(): void;
  /** Ends the worker, and frees its memory at once. What waits is rejected; the next call starts another. */
  stop(): void;
  /**
   * Rejects with an `Error` of the worker's name and message; with an `AbortError` when the signal is aborted, once the
   * worker has stopped.
   */
  call<Name extends keyof Table & string>(
    name: Name,
    argument: Table[Name]["argument"],
    options?: CallOptions<Table[Name]["progress"]>,
  ): Promise<Table[Name]["result"]>;
}

interface Waiting {
  resolve(result: unknown): void;
  reject(error: Error): void;
  progress(report: unknown): void;
}

/** A worker that is started at the first call; when it dies, what waits is rejected and the next call starts another. */
export function connect<Table extends CallTable>(start: () => Worker): Connection<Table> {
  let running: RunningWorker | null = null;
  const started = (): RunningWorker => {
    if (running !== null) return running;
    const mine = runWorker(start(), () => {
      if (running === mine) running = null;
    });
    running = mine;
    return mine;
  };
  return {
    start: () => void started(),
    stop: () => running?.end("the worker was stopped"),
    async call(name, argument, options = {}) {
      options.signal?.throwIfAborted();
      return started().call(name, argument, options);
    },
  };
}

/** One worker, until it ends. */
interface RunningWorker {
  call(name: string, argument: unknown, options: CallOptions<never>): Promise<unknown>;
  end(reason: string): void;
}

/** `onEnd` is called before what waits is rejected. */
function runWorker(worker: Worker, onEnd: () => void): RunningWorker {
  const waiting = new Map<number, Waiting>();
  let next = 0;
  const end = (reason: string): void => {
    onEnd();
    worker.terminate();
    for (const { reject } of waiting.values()) reject(new Error(reason));
  };
  worker.onmessage = ({ data }: MessageEvent<Reply>) => deliver(waiting, data);
  worker.onerror = (event) => {
    event.preventDefault();
    end(`the worker died: ${event.message ?? "it was not loaded"}`);
  };
  return {
    end,
    call: (name, argument, { signal, onProgress }) =>
      new Promise((resolve, reject) => {
        const id = next++;
        const cancel = (): void => worker.postMessage({ id, cancel: true } satisfies Request);
        const last = <T>(settle: (value: T) => void): ((value: T) => void) => {
          return (value) => {
            signal?.removeEventListener("abort", cancel);
            settle(value);
          };
        };
        const progress = (report: unknown): void => onProgress?.(report as never);
        waiting.set(id, { resolve: last(resolve), reject: last(reject), progress });
        signal?.addEventListener("abort", cancel);
        worker.postMessage({ id, call: name, argument } satisfies Request, { transfer: transferables(argument) });
      }),
  };
}

function deliver(waiting: Map<number, Waiting>, reply: Reply): void {
  const call = waiting.get(reply.id);
  if (call === undefined) return;
  if ("progress" in reply) {
    call.progress(reply.progress);
    return;
  }
  waiting.delete(reply.id);
  if ("error" in reply) call.reject(Object.assign(new Error(reply.error.message), { name: reply.error.name }));
  else call.resolve(reply.result);
}
