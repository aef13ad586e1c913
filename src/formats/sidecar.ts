/** Metadata beside formats that have no room for it. */

/**
 * Metadata as JSON, but for `format`, which is about safetensors; undefined when there is none.
 *
 * @example
 * sidecarText(new Map([["rebasin.lambda", "0.5"]])); // '{\n  "rebasin.lambda": "0.5"\n}\n'
 */
export function sidecarText(metadata: ReadonlyMap<string, string>): string | undefined {
  const entries = [...metadata].filter(([key]) => key !== "format");
  if (entries.length === 0) return undefined;
  const lines = entries.map(([key, value]) => `  ${JSON.stringify(key)}: ${JSON.stringify(value)}`);
  return `{\n${lines.join(",\n")}\n}\n`;
}

/** The same file in a folder. */
export const FOLDER_SIDECAR = "rebasin.plan.json";
