/** What one deployment allows: from the variables of wrangler.jsonc. */

/** Variables are texts, and may be missing. */
export interface Env {
  readonly ALLOWED_URLS?: string;
  readonly MAX_BYTES?: string;
  readonly MAX_MEMORY?: string;
  readonly MAX_WAITING?: string;
  readonly MAX_SECONDS?: string;
  /** Origins of pages that may use the worker, separated by spaces, or "*". */
  readonly CORS_ORIGINS?: string;
}

export interface Limits {
  /** Prefixes of URLs that may be read. */
  readonly allowed: readonly URL[];
  /** Both files together. */
  readonly bytes: number;
  /** What a merge may take, the files included: what `bytes` leaves of it is for everything else. */
  readonly memory: number;
  /** Requests that may wait for their turn. */
  readonly waiting: number;
  /** Of one request: its wait, upload, merge and download. */
  readonly seconds: number;
}

/** Text fields of a form, and bodies of JSON. */
export const MAX_TEXT_BYTES = 1_000_000;

/** Throws `Error` for a variable that is no number or no URL: a fault of the deployment, not of a request. */
export function readLimits(env: Env): Limits {
  const prefixes = (env.ALLOWED_URLS ?? "").split(/\s+/).filter((text) => text !== "");
  return {
    allowed: prefixes.map((text) => {
      if (URL.canParse(text) && text.endsWith("/")) return new URL(text);
      throw new Error(`ALLOWED_URLS has ${text}, expected URLs that end in a slash`);
    }),
    bytes: count("MAX_BYTES", env.MAX_BYTES, 42_000_000),
    memory: count("MAX_MEMORY", env.MAX_MEMORY, 110_000_000),
    waiting: count("MAX_WAITING", env.MAX_WAITING, 4),
    seconds: count("MAX_SECONDS", env.MAX_SECONDS, 120),
  };
}

function count(name: string, text: string | undefined, standard: number): number {
  const value = text === undefined ? standard : Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new Error(`${name} is ${text}, expected a whole number`);
}
