/** Pickles that follow one another in a file, each ending with its last opcode. */

import { FormatError } from "../../base/errors.ts";
import type { ByteSource } from "../../io/byte-source.ts";
import { type ContainerOptions, pickleLimit } from "./container.ts";
import { PickleEnd } from "./pickle-bytes.ts";
import { type Unpickled, unpickle } from "./unpickle.ts";

const FIRST_BYTES = 65536;

/**
 * Reads the pickle at byte `start` of a source. How long it is, only reading it shows: it is tried on more and more
 * bytes.
 *
 * @throws {FormatError} for what is no pickle, or a cut one
 */
export async function unpickleAt(source: ByteSource, start: number, options: ContainerOptions): Promise<Unpickled> {
  const most = pickleLimit(options);
  for (let length = FIRST_BYTES; ; length *= 4) {
    const limit = Math.min(source.byteLength, start + Math.min(length, most));
    const bytes = await source.slice(Math.min(start, limit), limit, options.signal);
    try {
      const { value, end } = unpickle(bytes, start === 0 ? source.name : `${source.name} from byte ${start}`);
      return { value, end: start + end };
    } catch (error) {
      if (!(error instanceof PickleEnd) || limit === source.byteLength) throw error;
      if (length >= most)
        throw new FormatError(`${source.name} pickle has more than ${most} bytes, expected at most that`);
    }
  }
}
