/**
 * PyTorch's files since 1.6: zip archives with the pickled object in `data.pkl` and each storage in `data/KEY`, all
 * below one folder. TorchScript's are the same, with code beside it.
 */

import { describe } from "../../base/describe.ts";
import { FormatError } from "../../base/errors.ts";
import type { ByteSource } from "../../io/byte-source.ts";
import { openZip, openZipEntry, type Zip } from "../../io/zip.ts";
import type { ZipEntry } from "../../io/zip-directory.ts";
import { type Container, type ContainerOptions, pickleLimit } from "./container.ts";
import { StatedStorages } from "./storage-ids.ts";
import { unpickle } from "./unpickle.ts";

const OBJECT = "data.pkl";

/**
 * @throws {FormatError} naming the file and the entry
 */
export async function openZipContainer(source: ByteSource, options: ContainerOptions): Promise<Container> {
  const { signal, maxIndexBytes } = options;
  const zip = await openZip(source, signal, maxIndexBytes);
  const object = findObject(zip);
  const folder = object.name.slice(0, -OBJECT.length);
  const pickle = await readWhole(zip, object, options);
  const { value: root } = unpickle(pickle, `${source.name} entry ${describe(object.name)}`);
  const order = zip.entries.get(`${folder}byteorder`);
  const isSwapped = order !== undefined && (await isBig(zip, order, options));
  const storages = new StatedStorages();
  return {
    source,
    kind: isTorchScript(zip, folder) ? "TorchScript" : "zip",
    zip,
    root,
    isSwapped,
    references: { storage: (id, where) => storages.read(id, where) },
    place(key, where) {
      const name = `${folder}data/${key}`;
      const entry = zip.entries.get(name);
      if (entry === undefined) throw new FormatError(`${where} is in entry ${describe(name)}, which the file lacks`);
      const byteLength = storages.sizes.get(key)!.bytes;
      if (entry.size !== byteLength)
        throw new FormatError(
          `${where} has a storage of ${byteLength} bytes, but entry ${describe(name)} has ${entry.size}`,
        );
      const open = (openSignal?: AbortSignal): Promise<ByteSource> => openZipEntry(zip, entry, openSignal);
      return { byteLength, entry: name, offset: 0, isPacked: entry.method !== 0, open };
    },
  };
}

const isTorchScript = ({ entries }: Zip, folder: string): boolean =>
  entries.has(`${folder}constants.pkl`) || [...entries.keys()].some((name) => name.startsWith(`${folder}code/`));

/** The entry of the pickled object. What else is a zip archive is named. */
function findObject({ source: { name }, entries }: Zip): ZipEntry {
  const names = [...entries.keys()];
  const found = names.filter((entry) => entry === OBJECT || entry.endsWith(`/${OBJECT}`));
  if (names.some((entry) => entry.includes(".data/extern_modules")))
    throw new FormatError(`${name} is a torch.package archive, expected a file of torch.save`);
  if (found.length === 1) return entries.get(found[0]!)!;
  if (found.length > 1)
    throw new FormatError(`${name} has ${found.length} entries ${OBJECT}, expected one: a file of torch.save`);
  if (
    names.some((entry) => /(^|\/)(models\/[^/]*\.json|serialized_exported_program\.json|archive_format)$/.test(entry))
  )
    throw new FormatError(
      `${name} is an exported program (.pt2), expected a file of torch.save: torch.save(torch.export.load(FILE).state_dict, "model.pt")`,
    );
  if (names.some((entry) => /(^|\/)model\.json$/.test(entry)))
    throw new FormatError(`${name} is TorchScript of PyTorch 1.0 to 1.3, expected a file of torch.save`);
  throw new FormatError(`${name} is a zip archive without ${OBJECT}, expected a file of torch.save`);
}

/** All of a small entry. CRCs are not compared: PyTorch does not either, and has an option to write none. */
async function readWhole(zip: Zip, entry: ZipEntry, options: ContainerOptions): Promise<Uint8Array> {
  const { signal } = options;
  const most = pickleLimit(options);
  if (entry.size > most)
    throw new FormatError(
      `${zip.source.name} entry ${describe(entry.name)} has ${entry.size} bytes, expected at most ${most}`,
    );
  return (await openZipEntry(zip, entry, signal)).slice(0, entry.size, signal);
}

async function isBig(zip: Zip, entry: ZipEntry, options: ContainerOptions): Promise<boolean> {
  const text = entry.size <= 16 ? new TextDecoder().decode(Uint8Array.from(await readWhole(zip, entry, options))) : "";
  if (text === "big" || text === "little") return text === "big";
  throw new FormatError(
    `${zip.source.name} entry ${describe(entry.name)} is ${describe(text)}, expected little or big`,
  );
}
