import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { JobQueue, JobStatus, NewJob, WorkerEvent } from "../../src/jobs/job-queue.ts";
import { openQueue } from "../../src/jobs/open-queue.ts";
import { sleep, waitForJob } from "../../src/jobs/wait-for-job.ts";
import { rejects } from "../reference/expect-error.ts";
import { hasRedis, type RedisServer, startRedis } from "../reference/redis-server.ts";

/** The same laws for every queue. */
function laws(kind: "folder" | "redis"): void {
  const test = suite(`jobs, ${kind}`);
  const folder = mkdtempSync(join(tmpdir(), "rebasin-test-"));
  const path = (name: string): string => join(folder, name);
  let redis: RedisServer | undefined;
  const opened: JobQueue[] = [];
  test.before(async () => {
    mkdirSync(path("redis"), { recursive: true });
    if (kind === "redis") redis = await startRedis(path("redis"));
  });
  test.after(async () => {
    for (const queue of opened) await queue.close();
    await redis?.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  const open = async (name: string, staleMs = 1500): Promise<JobQueue> => {
    const queue = await openQueue(redis === undefined ? path(name) : `${redis.url}?queue=${name}`, { staleMs });
    opened.push(queue);
    return queue;
  };
  const jobOf = (n: number): NewJob => ({ name: `job ${n}`, payload: { n } });
  const double = async ({ payload }: { payload: object }): Promise<object> => ({
    twice: 2 * (payload as { n: number }).n,
  });

  test("jobs run once, and those who wait get what the handler returned", async () => {
    const queue = await open("plain");
    const ids = await queue.submit(Array.from({ length: 20 }, (_, n) => jobOf(n)));
    assert.is(new Set(ids).size, 20);
    assert.is((await queue.status(ids[3]!))!.state, "waiting");
    const runs: string[] = [];
    const { signal } = new AbortController();
    const handler = async (attempt: { id: string; payload: object }): Promise<object> => {
      runs.push(attempt.id);
      return double(attempt);
    };
    await Promise.all([1, 2].map(() => queue.work(handler, { signal, untilEmpty: true, concurrency: 2 })));
    assert.equal([...runs].sort(), [...ids].sort());
    const ends = await Promise.all(ids.map((id) => waitForJob(queue, id)));
    assert.equal(
      ends.map(({ result }) => result),
      ids.map((_, n) => ({ twice: 2 * n })),
    );
    assert.equal(new Set((await queue.list()).map(({ state }) => state)), new Set(["done"]));
  });

  test("a parent starts after its children, whose failure it shares", async () => {
    const queue = await open("trees");
    const order: string[] = [];
    const leaf = (n: number): NewJob => jobOf(n);
    const told: [unknown, string][] = [];
    const roots = [
      { name: "root", payload: { n: 9 }, children: [{ ...leaf(1), children: [leaf(2), leaf(3)] }, leaf(4)] },
      { name: "root", payload: { n: 8 }, children: [leaf(-1)] },
    ];
    const [good, bad] = await queue.submit(roots, (job, id) => told.push([job, id]));
    assert.is(told.length, 7);
    assert.is(told.find(([job]) => job === roots[0])![1], good);
    for (const [job, id] of told) assert.is((await queue.status(id))!.name, (job as NewJob).name);
    assert.is((await queue.status(good!))!.state, "blocked");
    const handler = async ({ payload }: { payload: object }): Promise<object> => {
      const { n } = payload as { n: number };
      if (n < 0) throw new RangeError("model x is empty, expected tensors");
      order.push(String(n));
      return {};
    };
    await queue.work(handler, { signal: new AbortController().signal, untilEmpty: true });
    await waitForJob(queue, good!);
    assert.ok(order.indexOf("1") > order.indexOf("2") && order.indexOf("1") > order.indexOf("3"));
    assert.is(order.at(-1), "9");
    assert.not.ok(order.includes("8"));
    await rejects(() => waitForJob(queue, bad!), Error, /model x is empty|child/);
  });

  test("faults of the surroundings are tried again, faults of the input are not", async () => {
    const queue = await open("faults");
    const [full, wrong, never] = await queue.submit([jobOf(1), jobOf(2), jobOf(3)]);
    const starts = new Map<string, number>();
    const handler = async ({ id, payload }: { id: string; payload: object }): Promise<object> => {
      starts.set(id, (starts.get(id) ?? 0) + 1);
      if (id === wrong) throw new RangeError("lambda 2, expected 0 to 1");
      if (id === never) throw new Error("the network is down");
      if (starts.get(id)! < 3) throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
      return double({ payload });
    };
    const events: WorkerEvent[] = [];
    await queue.work(handler, {
      signal: new AbortController().signal,
      untilEmpty: true,
      onEvent: (event) => events.push(event),
    });
    assert.equal(
      [full, wrong, never].map((id) => starts.get(id!)),
      [3, 1, 3],
    );
    assert.equal((await waitForJob(queue, full!)).result, { twice: 2 });
    await rejects(() => waitForJob(queue, wrong!), Error, /^lambda 2, expected 0 to 1$/);
    await rejects(() => waitForJob(queue, never!), Error, /^the network is down$/);
    assert.ok(events.some(({ kind, reason }) => kind === "retried" && reason === "no space left on device"));
  });

  test("cancelling stops a running job and those that wait", async () => {
    const queue = await open("cancels");
    const [runs, waits] = await queue.submit([jobOf(1), jobOf(2)]);
    const end = new AbortController();
    const started: string[] = [];
    const handler = ({ id, signal }: { id: string; signal: AbortSignal }): Promise<object> => {
      started.push(id);
      return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    };
    const working = queue.work(handler, { signal: end.signal });
    while (started.length === 0) await sleep(20);
    assert.ok(await queue.cancel(waits!));
    assert.ok(await queue.cancel(runs!));
    await rejects(() => waitForJob(queue, runs!), Error, /was cancelled/);
    await rejects(() => waitForJob(queue, waits!), Error, /was cancelled/);
    await sleep(100);
    assert.equal(started, [runs]);
    assert.not.ok(await queue.cancel(runs!));
    end.abort();
    await working;
  });

  test("a worker that stops gives its job back, and it counts as no attempt", async () => {
    const queue = await open("returns");
    const [id] = await queue.submit([jobOf(4)]);
    const end = new AbortController();
    const working = queue.work(
      ({ signal }) => {
        setTimeout(() => end.abort(), 50);
        return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      },
      { signal: end.signal },
    );
    await working;
    assert.is((await queue.status(id!))!.state, "waiting");
    await queue.work(double, { signal: new AbortController().signal, untilEmpty: true });
    assert.equal((await waitForJob(queue, id!)).result, { twice: 8 });
  });

  test("progress reaches those who wait", async () => {
    const queue = await open("progress");
    const [id] = await queue.submit([jobOf(4)]);
    const working = queue.work(
      async ({ onProgress }) => {
        onProgress({ done: 1, total: 2 });
        await sleep(400);
        return {};
      },
      { signal: new AbortController().signal, untilEmpty: true },
    );
    const seen: JobStatus[] = [];
    await waitForJob(queue, id!, { onStatus: (status) => seen.push(status) });
    await working;
    assert.ok(seen.some(({ progress }) => JSON.stringify(progress) === '{"done":1,"total":2}'));
  });

  test("ids that it does not know", async () => {
    const queue = await open("unknown");
    assert.is(await queue.status("000000000-00000-00000000"), undefined);
    assert.not.ok(await queue.cancel("000000000-00000-00000000"));
    await rejects(() => waitForJob(queue, "000000000-00000-00000000"), RangeError, /is no job of this queue/);
  });

  if (kind === "folder")
    test("nothing is left of jobs that are over but how they ended", () => {
      for (const name of ["plain", "trees", "faults", "cancels", "returns"]) {
        const left = ["jobs", "claims", "tries", "progress", "cancels", "parts"].flatMap((folder) =>
          readdirSync(path(`${name}/${folder}`)),
        );
        assert.equal(left, [], name);
      }
    });

  if (kind === "redis")
    test("Redis that starts again has every job, and its workers go on", async () => {
      const queue = await open("restarts");
      const ids = await queue.submit(Array.from({ length: 30 }, (_, n) => jobOf(n)));
      const end = new AbortController();
      const working = queue.work(
        async (attempt) => {
          await sleep(20);
          return double(attempt);
        },
        { signal: end.signal },
      );
      await sleep(150);
      await redis!.restart();
      await sleep(150);
      await redis!.restart(true);
      for (const id of ids) await waitForJob(queue, id);
      end.abort();
      await working;
    });
  test.run();
}

laws("folder");
if (!("Deno" in globalThis) && !("Bun" in globalThis) && hasRedis()) laws("redis");

const test = suite("jobs, addresses");
test("what is no queue is refused", async () => {
  await rejects(() => openQueue("https://x/y"), RangeError, /^https:\/\/x\/y is no queue, expected redis:/);
});
test.run();
