/** The header of an object of an HDF5 file: a list of messages, in one block or several. */

import { type Hdf5Bytes, type Hdf5Part, NOWHERE } from "./hdf5-bytes.ts";

/** Types of messages that are read here. */
export const MESSAGE = {
  dataspace: 0x1,
  linkInfo: 0x2,
  datatype: 0x3,
  oldFill: 0x4,
  fill: 0x5,
  link: 0x6,
  external: 0x7,
  layout: 0x8,
  filters: 0xb,
  attribute: 0xc,
  continuation: 0x10,
  symbolTable: 0x11,
  attributeInfo: 0x15,
} as const;

export interface Message {
  readonly type: number;
  /** Its content is elsewhere: in the header of a named datatype, or in a table of shared messages. */
  readonly isShared: boolean;
  readonly body: Hdf5Part;
  /** True where a checksum guards it. */
  readonly isChecked: boolean;
}

export interface ObjectHeader {
  readonly address: number;
  readonly messages: readonly Message[];
}

/** More blocks than any header has: libhdf5 makes few, each larger. */
const MAX_BLOCKS = 4096;
const MAX_MESSAGES = 1_000_000;

/** What reading a header collects. */
interface Reading {
  readonly file: Hdf5Bytes;
  readonly messages: Message[];
  /** Blocks that are yet to be read. */
  readonly blocks: { address: number; length: number }[];
  readonly seen: Set<number>;
}

/** Reads the header at an address, its continuations too. */
export async function readObjectHeader(file: Hdf5Bytes, address: number): Promise<ObjectHeader> {
  const what = "the header of an object";
  if (address === NOWHERE) throw file.fault(0, `leads to ${what} nowhere, expected an address`);
  const first = await file.part(address, 12, what);
  const reading: Reading = { file, messages: [], blocks: [], seen: new Set([address]) };
  const isNew = first.bytes[0] === 0x4f;
  if (isNew) await readNewHeader(reading, address, first);
  else await readOldHeader(reading, address, first);
  return { address, messages: reading.messages };
}

async function readOldHeader(reading: Reading, address: number, head: Hdf5Part): Promise<void> {
  head.version(1);
  head.skip(1);
  const count = head.u16();
  head.skip(4);
  const size = head.u32();
  reading.blocks.push({ address: address + 16, length: size });
  for (let block = nextBlock(reading); block !== undefined; block = nextBlock(reading)) {
    const part = await reading.file.part(block.address, block.length, "messages of an object");
    while (part.left >= 8 && reading.messages.length < count) {
      const [type, length, flags] = [part.u16(), part.u16(), part.u8()];
      part.skip(3);
      addMessage(reading, type, flags, part.sub(length, "a message of an object"), false);
    }
  }
}

async function readNewHeader(reading: Reading, address: number, head: Hdf5Part): Promise<void> {
  head.signature("OHDR");
  head.version(2);
  const flags = head.u8();
  const before = 6 + (flags & 0x20 ? 16 : 0) + (flags & 0x10 ? 4 : 0);
  const width = 2 ** (flags & 3);
  const sized = await reading.file.part(address, before + width, "the header of an object");
  sized.skip(before);
  const size = sized.number(width);
  const part = await reading.file.checked(address, before + width + size + 4, "OHDR", "the header of an object");
  part.skip(before + width - 4);
  readNewMessages(reading, part.sub(size, "messages of an object"), flags);
  for (let block = nextBlock(reading); block !== undefined; block = nextBlock(reading)) {
    const more = await reading.file.checked(block.address, block.length, "OCHK", "messages of an object");
    if (more.left < 4) throw more.fault("has no room for messages, expected some");
    readNewMessages(reading, more.sub(more.left - 4, "messages of an object"), flags);
  }
}

function readNewMessages(reading: Reading, part: Hdf5Part, headerFlags: number): void {
  const least = headerFlags & 4 ? 6 : 4;
  while (part.left >= least) {
    const [type, length, flags] = [part.u8(), part.u16(), part.u8()];
    part.skip(least - 4);
    addMessage(reading, type, flags, part.sub(length, "a message of an object"), true);
  }
}

function addMessage(
  { messages, blocks }: Reading,
  type: number,
  flags: number,
  body: Hdf5Part,
  isChecked: boolean,
): void {
  if (messages.length >= MAX_MESSAGES) throw body.fault(`is message ${messages.length}, expected fewer`);
  messages.push({ type, isShared: (flags & 2) !== 0, body, isChecked });
  if (type !== MESSAGE.continuation) return;
  const [address, length] = [body.offset(), body.length()];
  if (address === NOWHERE) throw body.fault("leads nowhere, expected an address");
  blocks.push({ address, length });
}

function nextBlock({ file, blocks, seen }: Reading): { address: number; length: number } | undefined {
  const block = blocks.shift();
  if (block === undefined) return undefined;
  if (seen.has(block.address))
    throw file.fault(block.address, "is reached twice by the header of an object, expected once");
  seen.add(block.address);
  if (seen.size > MAX_BLOCKS)
    throw file.fault(block.address, `is block ${seen.size} of an object's header, expected fewer`);
  return block;
}

/** The one message of a type; undefined where there is none. */
export function messageOf({ messages }: ObjectHeader, type: number): Message | undefined {
  return messages.find((message) => message.type === type);
}

/** A message's content, from its start; that of a shared one in the object which has it. */
export async function contentOf(file: Hdf5Bytes, message: Message): Promise<Hdf5Part> {
  const { body, isShared, type } = message;
  body.at = 0;
  if (!isShared) return body;
  const version = body.version(1, 2, 3);
  const kind = body.u8();
  if (version === 1) body.skip(6);
  if (version === 3 && kind !== 2) throw body.fault("is in a table of shared messages, expected the message itself");
  const owner = await readObjectHeader(file, body.offset());
  const found = messageOf(owner, type);
  if (found === undefined || found.isShared)
    throw body.fault("leads to an object without such a message, expected one");
  found.body.at = 0;
  return found.body;
}
