/** Datasets that only HDF5's own library reads, by `h5wasm`, an optional peer. It never writes. */

import { describe } from "../../base/describe.ts";
import { FormatError } from "../../base/errors.ts";
import type { Hdf5Bytes, OutsideReader } from "../hdf5/hdf5-bytes.ts";

/** What is used of h5wasm. Its `value` hides that a read failed, so the read itself is called. */
interface H5wasm {
  readonly ready: Promise<H5wasmModule>;
  readonly File: new (name: string, mode: "r") => { readonly file_id: bigint; close(): unknown };
}

interface H5wasmModule {
  readonly FS: { writeFile(name: string, bytes: Uint8Array): void; unlink(name: string): void };
  readonly HEAPU8: Uint8Array;
  _malloc(bytes: number): number;
  _free(pointer: number): void;
  activate_throwing_error_handler(): number;
  deactivate_throwing_error_handler(): number;
  get_dataset_data(file: bigint, path: string, count: null, offset: null, strides: null, pointer: bigint): number;
}

/** The file is copied into the memory of a 32-bit wasm. */
const MAX_BYTES = 2 ** 30;
let opened = 0;

/** Opens the whole file in h5wasm; `why` names a dataset that needs it, and how it is stored. */
export async function openOutside(file: Hdf5Bytes, why: string, signal?: AbortSignal): Promise<OutsideReader> {
  const { source, name } = file;
  const { ready, File } = await loadH5wasm(name, why);
  if (source.byteLength > MAX_BYTES)
    throw new FormatError(
      `${name} ${why} and has ${source.byteLength} bytes, expected at most ${MAX_BYTES} for h5wasm`,
    );
  const module = await ready;
  opened++;
  const place = `rebasin-${opened}.h5`;
  module.FS.writeFile(place, await source.slice(0, source.byteLength, signal));
  const h5 = new File(place, "r");
  return {
    async read(path, byteLength) {
      const pointer = module._malloc(byteLength);
      const fault = `${name} dataset ${describe(path)} cannot be read by h5wasm, expected sound chunks`;
      if (pointer === 0) throw new FormatError(`${fault} and room for ${byteLength} bytes`);
      try {
        // Otherwise the library prints its whole stack of reasons.
        module.activate_throwing_error_handler();
        const status = module.get_dataset_data(h5.file_id, path, null, null, null, BigInt(pointer));
        if (!(status >= 0)) throw new FormatError(fault);
        return module.HEAPU8.slice(pointer, pointer + byteLength);
      } catch (cause) {
        throw cause instanceof FormatError ? cause : new FormatError(fault, { cause });
      } finally {
        module.deactivate_throwing_error_handler();
        module._free(pointer);
      }
    },
    close() {
      h5.close();
      module.FS.unlink(place);
    },
  };
}

async function loadH5wasm(name: string, why: string): Promise<H5wasm> {
  try {
    // scripts/bundle.mjs keeps it from webpack, which would warn in every build without it.
    return (await import("h5wasm")) as unknown as H5wasm;
  } catch (cause) {
    const advice = "expected h5wasm to read it (npm install h5wasm), or a file that h5py wrote again";
    throw new FormatError(`${name} ${why}, ${advice}`, { cause });
  }
}
