/** Names of shards: `model-00001-of-00003.safetensors`. */

/** Which of how many a file is, by its name. */
export interface ShardName {
  /** What comes before the number: "model". */
  readonly stem: string;
  /** Counted from 1. */
  readonly number: number;
  readonly count: number;
  /** With its dot. */
  readonly ending: string;
}

/** Five digits, or six; `-` or `_` between the parts. */
const SHARD = /^(?<stem>.*?)[-_](?<number>\d{5,6})[-_]of[-_](?<count>\d{5,6})(?<ending>\.\w+)$/;

/**
 * The shard that a file's name (without its folder) shows; undefined for a name of no shard.
 *
 * @example
 * shardName("hf/model-00001-of-00002.safetensors"); // { stem: "model", number: 1, count: 2, ending: ".safetensors" }
 */
export function shardName(path: string): ShardName | undefined {
  const found = SHARD.exec(path.split(/[\\/]/).at(-1)!)?.groups;
  if (found === undefined) return undefined;
  return { stem: found.stem!, number: Number(found.number), count: Number(found.count), ending: found.ending! };
}

/** The usual name of a shard; that of a whole model where there is only one. */
export function formatShardName({ stem, number, count, ending }: ShardName): string {
  const digits = (value: number): string => String(value).padStart(5, "0");
  return count === 1 ? `${stem}${ending}` : `${stem}-${digits(number)}-of-${digits(count)}${ending}`;
}

/** The usual name of the index of such shards: `model.safetensors.index.json`. */
export function indexName({ stem, ending }: Pick<ShardName, "stem" | "ending">): string {
  return `${stem}${ending}.index.json`;
}
