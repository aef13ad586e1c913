/** Error codes of the operating system, as Node, Deno and Bun report them. */

/** The code of a system error, such as "ENOENT"; undefined for any other error. */
export function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : undefined;
}

/** A system error in words for a message. */
export function wordsOf(error: unknown): string {
  const code = codeOf(error);
  const known = code === undefined ? undefined : WORDS.get(code);
  return known ?? (error instanceof Error ? error.message : String(error));
}

const WORDS: ReadonlyMap<string, string> = new Map([
  ["ENOENT", "no such file"],
  ["ENOTDIR", "no such file"],
  ["EACCES", "permission denied"],
  ["EPERM", "permission denied"],
  ["EROFS", "the file system is read-only"],
  ["ENOSPC", "no space left on device"],
  ["EDQUOT", "disk quota exceeded"],
  ["EMFILE", "too many open files"],
  ["ELOOP", "too many symbolic links"],
  ["ENAMETOOLONG", "name too long"],
]);
