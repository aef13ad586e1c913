/**
 * Models in the local cache of Hugging Face's libraries: `models--org--name/` with `refs/main` (a commit) and
 * `snapshots/COMMIT/`. Nothing is downloaded here. Layout: https://huggingface.co/docs/huggingface_hub/guides/manage-cache
 */

import { readdir, readFile, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { listFirst } from "../base/compare-tensors.ts";
import { describe } from "../base/describe.ts";
import { FormatError } from "../base/errors.ts";
import { codeOf, wordsOf } from "./system-error.ts";

/** What a path of a model in the cache begins with. */
export const HUB_PREFIX = "hf:";

/** Letters, digits and `._-`, beginning with neither dot nor dash, as on the hub: no name leads out of the cache. */
const NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]*$/;

/** A commit, a branch or a tag, or `refs/pr/1`. */
const REVISION = /^[A-Za-z0-9_][A-Za-z0-9._+-]*(\/[A-Za-z0-9_][A-Za-z0-9._+-]*)*$/;

/** A name in parts: `hf:org/name/unet@v1.0` → org/name, ["unet"], "v1.0". */
interface HubName {
  readonly repository: string;
  readonly inside: readonly string[];
  readonly revision: string;
}

/**
 * The folder of a model in the cache: `hf:org/name`, `hf:org/name@revision`, or a folder in it, `hf:org/name/unet`. The
 * revision is a branch, a tag, a commit or the beginning of one; `main` by default.
 *
 * Rejects with `FormatError` for a name that is none, and when the cache does not hold the model or the revision.
 *
 * @example
 * await hubFolder("hf:google/vit-base-patch16-224"); // "/home/me/.cache/huggingface/hub/models--google--vit…/snapshots/3f49…"
 */
export async function hubFolder(name: string): Promise<string> {
  const { repository, inside, revision } = parseName(name);
  const cache = cacheFolder();
  const folder = join(cache, `models--${repository.replaceAll("/", "--")}`);
  if (!(await isFolder(folder)))
    throw new FormatError(`${name} is not in ${cache}, expected it there: hf download ${repository}`);
  const snapshots = join(folder, "snapshots");
  const commit = await readReference(folder, revision);
  const commits = await readdir(snapshots).catch(() => []);
  const found = commits.filter((candidate) =>
    commit === undefined ? isStart(revision, candidate) : candidate === commit,
  );
  if (found.length === 1) return join(snapshots, found[0]!, ...inside);
  const there = commits.length === 0 ? "none" : listFirst(commits.sort(), 3);
  throw new FormatError(
    `${name} has no revision ${describe(revision)} in ${cache} (${there} there), expected it: hf download ${repository} --revision ${revision}`,
  );
}

function parseName(name: string): HubName {
  const [path = "", revision = "main", ...rest] = name.slice(HUB_PREFIX.length).split("@");
  const [organisation = "", model = "", ...inside] = path.split("/");
  const names = [organisation, model, ...inside];
  // Two dashes part the names in the cache's folders.
  const isName = names.every((part) => NAME.test(part)) && !organisation.includes("--") && !model.includes("--");
  if (isName && rest.length === 0 && REVISION.test(revision))
    return { repository: `${organisation}/${model}`, inside, revision };
  throw new FormatError(
    `${describe(name)} is no name of a model, expected hf:organisation/name or hf:organisation/name@revision`,
  );
}

/** As `huggingface_hub` looks for it. */
function cacheFolder(): string {
  const { HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, HF_HOME, XDG_CACHE_HOME } = process.env;
  const direct = HF_HUB_CACHE || HUGGINGFACE_HUB_CACHE;
  if (direct) return direct;
  return join(HF_HOME || join(XDG_CACHE_HOME || join(homedir(), ".cache"), "huggingface"), "hub");
}

/** The commit of a branch or tag; undefined when the cache knows none of that name. */
async function readReference(folder: string, revision: string): Promise<string | undefined> {
  const path = join(folder, "refs", ...revision.split("/"));
  try {
    return (await readFile(path, "utf8")).trim();
  } catch (cause) {
    const code = codeOf(cause);
    if (code === "ENOENT" || code === "ENOTDIR" || code === "EISDIR") return undefined;
    throw new FormatError(`${path}: ${wordsOf(cause)}, expected the commit of ${revision}`, { cause });
  }
}

/** Seven digits or more, as git shows commits. */
const isStart = (text: string, commit: string): boolean => /^[0-9a-f]{7,40}$/.test(text) && commit.startsWith(text);

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (facts) => facts.isDirectory(),
    () => false,
  );
}
