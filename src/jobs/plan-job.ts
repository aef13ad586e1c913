/** Plans as jobs: what a job carries, and where its result is. */

import { join, resolve } from "node:path";
import { FormatError } from "../base/errors.ts";
import { contentDigest } from "../node/content-digest.ts";
import { HUB_PREFIX } from "../node/hub-cache.ts";
import { isUrl, placed } from "../node/plan-host.ts";
import { planDigest } from "../plan/canonical.ts";
import type { MergePlan, PlanData, PlanModel, PlanPart } from "../plan/merge-plan.ts";
import { endingOf, isSpecPath } from "../plan/plan-paths.ts";
import type { NewJob } from "./job-queue.ts";

/** What a job of a plan carries: plain JSON, no tensors. */
export interface PlanPayload {
  readonly format: typeof JOB_FORMAT;
  /** Its paths are absolute or URLs; its output is a file of the results folder, named by content. */
  readonly plan: MergePlan;
  /** Of the plan, the version and every input's bytes. Equal digests make equal bytes. */
  readonly digest: string;
  /** The file of its report, written when all others are. */
  readonly report: string;
}

const JOB_FORMAT = "rebasin-job/1";

/** A plan that is ready to be submitted. */
export interface PlanJob {
  readonly job: NewJob;
  readonly payload: PlanPayload;
  /** From a path in the results folder, or an absolute input, to the word that the given plan has for it: for reports. */
  readonly words: ReadonlyMap<string, string>;
}

/** Options of `planJob`. */
export interface PlanJobOptions {
  /** The folder that every machine sees; results are named by content in it. */
  readonly results: string;
  /** Paths of the plan are relative to it. Default: the working directory. */
  readonly folder?: string | undefined;
  /** For lists. Default: the plan's output. */
  readonly name?: string | undefined;
  /** Jobs whose outputs this plan reads, by absolute path of the output. They become the job's children. */
  readonly made?: ReadonlyMap<string, PlanJob> | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Makes a job of a plan: paths become absolute, files get their SHA-256, and the output becomes a file of the results
 * folder that is named by content. Reads every input once.
 *
 * @throws {FormatError} for an input that is not there, and for a URL without `sha256`.
 *
 * @example
 * const { job } = await planJob(plan, { results: "/shared/results" });
 * const [id] = await queue.submit([job]);
 */
export async function planJob(plan: MergePlan, options: PlanJobOptions): Promise<PlanJob> {
  const results = resolve(options.results);
  const settled: Settled = { words: new Map(), digests: new Map(), children: new Set() };
  const placedPlan = await placePlan(plan, options, settled);
  const { words, digests, children } = settled;
  const digest = await planDigest(placedPlan, digests);
  const output = outputOf(plan, join(results, digest), words);
  const payload: PlanPayload = {
    format: JOB_FORMAT,
    // Without keys whose value is undefined, as it comes out of the queue.
    plan: JSON.parse(JSON.stringify({ ...placedPlan, output })) as MergePlan,
    digest,
    report: join(results, `${digest}.json`),
  };
  const name = options.name ?? plan.output?.path ?? plan.output?.permutations ?? "plan";
  return { job: { name, payload, children: [...children].map(({ job }) => job) }, payload, words };
}

/** What was found on the way through a plan's paths. */
interface Settled {
  readonly words: Map<string, string>;
  /** By path as the worker reads it. */
  readonly digests: Map<string, string>;
  readonly children: Set<PlanJob>;
}

/** The plan with paths as a worker reads them. */
async function placePlan(plan: MergePlan, options: PlanJobOptions, settled: Settled): Promise<MergePlan> {
  const settle = (path: string, sha256?: string): Promise<string> => settlePath(path, sha256, options, settled);
  const ofModel = async (model: PlanModel): Promise<PlanModel> => {
    const path = await settle(model.path, model.sha256);
    return { ...model, path, sha256: fileDigestOf(settled.digests.get(path)!) ?? model.sha256 };
  };
  const ofData = async (data: PlanData): Promise<PlanData> => ({ ...data, path: await settle(data.path) });
  const { spec, base, data, repair, align } = plan;
  const models: PlanPart[] = [];
  for (const model of plan.models)
    models.push({ ...(await ofModel(model)), base: model.base && (await ofModel(model.base)) } as PlanPart);
  return {
    ...plan,
    models,
    base: base && (await ofModel(base)),
    spec: typeof spec === "string" && isSpecPath(spec) ? await settle(spec) : spec,
    data: data && (await ofData(data)),
    align: { ...align, permutations: align.permutations && (await settle(align.permutations)) },
    repair: repair && { ...repair, dataB: repair.dataB && (await ofData(repair.dataB)) },
  };
}

/** The path that a worker reads; keeps the digest of what is there, or the job that makes it. */
async function settlePath(
  path: string,
  sha256: string | undefined,
  { folder, made, signal }: PlanJobOptions,
  { words, digests, children }: Settled,
): Promise<string> {
  const whole = absolute(path, folder);
  const child = made?.get(whole);
  const output = child?.payload.plan.output;
  const found = output?.path ?? output?.permutations ?? whole;
  if (child !== undefined) children.add(child);
  words.set(found, path);
  digests.set(found, child === undefined ? await digestOf(whole, sha256, signal) : `job ${child.payload.digest}`);
  return found;
}

/** What is written, in the results folder: the ending of each path stays, since it decides the format. */
function outputOf(plan: MergePlan, stem: string, words: Map<string, string>): MergePlan["output"] {
  const { output } = plan;
  if (output === undefined) return undefined;
  const { path, permutations } = output;
  const placedPath = path && stem + endingOf(path);
  const isMany = plan.align.strategy !== undefined;
  const placedPermutations = permutations && `${stem}-permutations${isMany ? "" : ".safetensors"}`;
  if (placedPath !== undefined) words.set(placedPath, path!);
  if (placedPermutations !== undefined) words.set(placedPermutations, permutations!);
  return { ...output, path: placedPath, permutations: placedPermutations };
}

/** The path wherever the worker runs. */
function absolute(path: string, folder: string | undefined): string {
  const whole = placed(path, folder);
  return isUrl(whole) || whole.startsWith(HUB_PREFIX) ? whole : resolve(whole);
}

/** A file's SHA-256 goes into the plan, so that the worker refuses another file. */
const fileDigestOf = (digest: string): string | undefined => (/^[0-9a-f]{64}$/.test(digest) ? digest : undefined);

async function digestOf(path: string, sha256: string | undefined, signal?: AbortSignal): Promise<string> {
  if (!isUrl(path)) return contentDigest(path, signal);
  if (sha256 === undefined) throw new FormatError(`${path} has no sha256, expected one for a URL in a job`);
  return sha256;
}
