/** Attributes of groups and datasets: text and small numbers that describe a file. */

import { readDataspace } from "./dataspace.ts";
import { type Hdf5Type, readDatatype } from "./datatype.ts";
import { readNameIndex } from "./dense-index.ts";
import { readHeapText } from "./global-heap.ts";
import type { Hdf5Bytes, Hdf5Part } from "./hdf5-bytes.ts";
import { NOWHERE } from "./hdf5-bytes.ts";
import { contentOf, MESSAGE, type Message, type ObjectHeader } from "./object-header.ts";

/** An attribute that is read when asked for. */
export interface Hdf5Attribute {
  readonly name: string;
  readonly type: Hdf5Type;
  readonly shape: readonly number[] | undefined;
  readonly data: Hdf5Part;
}

/** More text than any model's JSON: the configurations of large ones have some megabytes. */
const MAX_TEXT_BYTES = 2 ** 26;
const MAX_TEXTS = 1_000_000;

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** The attributes of an object, by name. Throws `FormatError` for two of one name. */
export async function readAttributes(file: Hdf5Bytes, header: ObjectHeader): Promise<Map<string, Hdf5Attribute>> {
  const found = new Map<string, Hdf5Attribute>();
  for (const message of header.messages) {
    if (message.type === MESSAGE.attribute) await addAttribute(file, await contentOf(file, message), found);
    if (message.type !== MESSAGE.attributeInfo) continue;
    const body = await contentOf(file, message);
    body.version(0);
    body.skip((body.u8() & 1) === 0 ? 0 : 2);
    const [heap, index] = [body.offset(), body.offset()];
    if (heap === NOWHERE || index === NOWHERE) continue;
    for (const part of await readNameIndex(file, { heap, index, type: 8 }, "an attribute"))
      await addAttribute(file, part, found);
  }
  return found;
}

async function addAttribute(file: Hdf5Bytes, part: Hdf5Part, found: Map<string, Hdf5Attribute>): Promise<void> {
  const version = part.version(1, 2, 3);
  const flags = part.u8();
  const [nameSize, typeSize, spaceSize] = [part.u16(), part.u16(), part.u16()];
  if (version === 3) part.skip(1);
  const padded = (size: number): number => (version === 1 ? Math.ceil(size / 8) * 8 : size);
  const name = part.sub(padded(nameSize), "the name of an attribute");
  const typeBody = part.sub(padded(typeSize), "the type of an attribute");
  const spaceBody = part.sub(padded(spaceSize), "the shape of an attribute");
  const text = textOf(name, name.bytes.subarray(0, nameSize));
  if (found.has(text)) throw name.fault(`has the name ${JSON.stringify(text)} again, expected it once`);
  const message: Message = {
    type: MESSAGE.datatype,
    isShared: (flags & 1) !== 0 && version > 1,
    body: typeBody,
    isChecked: false,
  };
  const type = readDatatype(await contentOf(file, message));
  const shape = (flags & 2) !== 0 && version > 1 ? undefined : readDataspace(spaceBody);
  found.set(text, { name: text, type, shape, data: part.sub(part.left, "an attribute") });
}

/** Text up to its first zero byte. */
export function textOf(part: Hdf5Part, bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  try {
    return utf8.decode(Uint8Array.from(end < 0 ? bytes : bytes.subarray(0, end)));
  } catch {
    throw part.fault("is not valid UTF-8, expected text");
  }
}

/** An attribute's texts in order; undefined where it is none. One that is no list gives one text. */
export async function attributeTexts(
  file: Hdf5Bytes,
  attribute: Hdf5Attribute | undefined,
): Promise<string[] | undefined> {
  if (attribute?.type.kind !== "text" || attribute.shape === undefined) return undefined;
  const { type, shape, data } = attribute;
  const count = shape.reduce((product, size) => product * size, 1);
  // A file's bytes bound it: each text of fixed length is there, and so is each reference to another.
  if (count > MAX_TEXTS || count * type.size > data.bytes.length)
    throw data.fault(`has ${count} texts, expected no more than its ${data.bytes.length} bytes hold`);
  data.at = 0;
  const texts: string[] = [];
  let total = 0;
  for (let i = 0; i < count; i++) {
    const part = type.isVariable ? await readHeapText(file, data) : data.sub(type.size, "a text");
    total += part.bytes.length;
    if (total > MAX_TEXT_BYTES) throw data.fault(`has ${total} bytes of text, expected at most ${MAX_TEXT_BYTES}`);
    texts.push(textOf(part, part.bytes));
  }
  return texts;
}

/** An attribute that is one text. */
export async function attributeText(
  file: Hdf5Bytes,
  attribute: Hdf5Attribute | undefined,
): Promise<string | undefined> {
  const texts = await attributeTexts(file, attribute);
  return texts?.length === 1 ? texts[0] : undefined;
}
