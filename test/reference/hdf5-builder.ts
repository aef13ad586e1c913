/** HDF5 files built by hand, in the layout of h5py's default ("old") and of its latest, the malformed ones too. */

import { lookup3 } from "../../src/formats/hdf5/checksums.ts";
import { concat, u64, utf8 } from "./safetensors-builder.ts";
import { u16, u32 } from "./zip-builder.ts";

/** A datatype message: class and version, three bytes, size, properties. */
export const type = (head: number, bits: readonly number[], size: number, ...properties: Uint8Array[]): Uint8Array =>
  concat(Uint8Array.of(head, ...bits), u32(size), ...properties);

export const F32: Uint8Array = type(0x11, [0x20, 31, 0], 4, Uint8Array.of(0, 0, 32, 0, 23, 8, 0, 23), u32(127));
export const I32: Uint8Array = type(0x10, [8, 0, 0], 4, Uint8Array.of(0, 0, 32, 0));
export const TEXT8: Uint8Array = type(0x13, [1, 0, 0], 8);
/** Texts of any length. */
export const ANY_TEXT: Uint8Array = type(0x19, [1, 1, 0], 16, type(0x13, [0, 1, 0], 1));

/** A dataspace message of version 1, or of version 2. */
export const space = (shape: readonly number[], version: 1 | 2 = 1): Uint8Array =>
  concat(
    version === 1 ? Uint8Array.of(1, shape.length, 0, 0, 0, 0, 0, 0) : Uint8Array.of(2, shape.length, 0, 1),
    ...shape.map((size) => u64(size)),
  );

const NOWHERE = new Uint8Array(8).fill(255);

export interface BuiltDataset {
  readonly shape: readonly number[];
  readonly type?: Uint8Array;
  readonly data: Uint8Array;
  readonly attributes?: Readonly<Record<string, BuiltAttribute>>;
  /** In place of the message of a contiguous layout. */
  readonly layout?: (place: number) => Uint8Array;
  /** Messages beside: type and content. */
  readonly more?: readonly (readonly [number, Uint8Array])[];
  readonly space?: Uint8Array;
}

export interface BuiltAttribute {
  readonly shape: readonly number[];
  readonly type: Uint8Array;
  readonly data: Uint8Array;
}

export interface BuiltGroup {
  readonly members: Readonly<Record<string, BuiltDataset | BuiltGroup | BuiltLink>>;
  readonly attributes?: Readonly<Record<string, BuiltAttribute>>;
}

/** A soft link, or an address that is none of the builder's. */
export type BuiltLink = { readonly soft: string } | { readonly address: number } | { readonly external: true };

export interface BuildOptions {
  readonly style?: "old" | "latest";
  /** May change a structure before its checksum is made: what it is, and its bytes. */
  readonly edit?: (part: Part, bytes: Uint8Array) => Uint8Array;
  /** Bytes before the file. */
  readonly userBlock?: number;
}

export type Part = "superblock" | "header" | "tree" | "symbols" | "names";

export const floats = (...values: number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);

export const f32 = (shape: readonly number[], ...values: number[]): BuiltDataset => ({
  shape,
  data: floats(...values),
});

/** An attribute that is a list of texts of at most eight bytes. */
export const texts = (...list: string[]): BuiltAttribute => ({
  shape: [list.length],
  type: TEXT8,
  data: concat(...list.map((text) => concat(utf8(text), new Uint8Array(8 - utf8(text).length)))),
});

/** Grows as structures are put at its end. */
class Builder {
  readonly #parts: Uint8Array[] = [];
  readonly #options: BuildOptions;
  length: number;

  constructor(options: BuildOptions, start: number) {
    this.#options = options;
    this.length = start;
  }

  get isOld(): boolean {
    return this.#options.style !== "latest";
  }

  /** Puts bytes at a multiple of eight and gives their place. */
  put(bytes: Uint8Array): number {
    const place = this.length;
    const padded = concat(bytes, new Uint8Array((8 - (bytes.length % 8)) % 8));
    this.#parts.push(padded);
    this.length += padded.length;
    return place;
  }

  edited(part: Part, bytes: Uint8Array): Uint8Array {
    return this.#options.edit?.(part, bytes) ?? bytes;
  }

  /** With a checksum behind. */
  checked(part: Part, bytes: Uint8Array): Uint8Array {
    const now = this.edited(part, bytes);
    return concat(now, u32(lookup3(now)));
  }

  header(messages: readonly (readonly [number, Uint8Array])[]): number {
    if (this.isOld) {
      const body = concat(
        ...messages.map(([type, content]) => {
          const padded = concat(content, new Uint8Array((8 - (content.length % 8)) % 8));
          return concat(u16(type), u16(padded.length), new Uint8Array(4), padded);
        }),
      );
      const head = concat(Uint8Array.of(1, 0), u16(messages.length), u32(1), u32(body.length), u32(0));
      return this.put(this.edited("header", concat(head, body)));
    }
    const body = concat(
      ...messages.map(([type, content]) => concat(Uint8Array.of(type), u16(content.length), Uint8Array.of(0), content)),
    );
    return this.put(this.checked("header", concat(utf8("OHDR"), Uint8Array.of(2, 2), u32(body.length), body)));
  }

  dataset({ shape, type: own = F32, data, attributes = {}, layout, more = [], space: given }: BuiltDataset): number {
    const place = this.put(data);
    const contiguous = concat(Uint8Array.of(3, 1), u64(place), u64(data.length));
    return this.header([
      [1, given ?? space(shape, this.isOld ? 1 : 2)],
      [3, own],
      [5, Uint8Array.of(2, 2, 2, 0)],
      [8, layout?.(place) ?? contiguous],
      ...more,
      ...this.attributes(attributes),
    ]);
  }

  attributes(attributes: Readonly<Record<string, BuiltAttribute>>): [number, Uint8Array][] {
    return Object.entries(attributes).map(([name, attribute]) => {
      const parts = [concat(utf8(name), Uint8Array.of(0)), attribute.type, space(attribute.shape, this.isOld ? 1 : 2)];
      const pad = (bytes: Uint8Array): Uint8Array => concat(bytes, new Uint8Array((8 - (bytes.length % 8)) % 8));
      const sizes = parts.map(({ length }) => u16(length));
      return this.isOld
        ? [0xc, concat(Uint8Array.of(1, 0), ...sizes, ...parts.map(pad), attribute.data)]
        : [0xc, concat(Uint8Array.of(3, 0), ...sizes, Uint8Array.of(0), ...parts, attribute.data)];
    });
  }

  group({ members, attributes = {} }: BuiltGroup): number {
    const links = Object.entries(members).map(([name, member]) => [name, this.member(member)] as const);
    return this.isOld ? this.oldGroup(links, attributes) : this.newGroup(links, attributes);
  }

  member(member: BuiltDataset | BuiltGroup | BuiltLink): BuiltLink {
    if ("soft" in member || "address" in member || "external" in member) return member;
    return { address: "members" in member ? this.group(member) : this.dataset(member) };
  }

  oldGroup(
    links: readonly (readonly [string, BuiltLink])[],
    attributes: NonNullable<BuiltGroup["attributes"]>,
  ): number {
    let names: Uint8Array = new Uint8Array(8);
    const name = (text: string): Uint8Array => {
      const at = names.length;
      names = concat(names, utf8(text), Uint8Array.of(0));
      return u64(at);
    };
    const entries = links.map(([text, link]) => {
      const at = name(text);
      if ("soft" in link) return concat(at, u64(0), u32(2), u32(0), name(link.soft).slice(0, 4), new Uint8Array(12));
      return concat(at, "address" in link ? u64(link.address) : NOWHERE, u32(0), u32(0), new Uint8Array(16));
    });
    const content = this.edited("names", names);
    const segment = this.put(content);
    const heap = this.put(concat(utf8("HEAP"), Uint8Array.of(0, 0, 0, 0), u64(content.length), u64(1), u64(segment)));
    const symbols = this.put(
      this.edited("symbols", concat(utf8("SNOD"), Uint8Array.of(1, 0), u16(entries.length), ...entries)),
    );
    const tree = concat(utf8("TREE"), Uint8Array.of(0, 0, 1, 0), NOWHERE, NOWHERE, u64(0), u64(symbols), u64(8));
    return this.header([
      [0x11, concat(u64(this.put(this.edited("tree", tree))), u64(heap))],
      ...this.attributes(attributes),
    ]);
  }

  newGroup(
    links: readonly (readonly [string, BuiltLink])[],
    attributes: NonNullable<BuiltGroup["attributes"]>,
  ): number {
    const messages = links.map(([text, link]): [number, Uint8Array] => {
      const name = utf8(text);
      const kind = "soft" in link ? 1 : "external" in link ? 64 : 0;
      const target =
        "address" in link
          ? u64(link.address)
          : concat(u16("soft" in link ? link.soft.length : 3), utf8("soft" in link ? link.soft : "a\0b"));
      return [6, concat(Uint8Array.of(1, 8, kind, name.length), name, target)];
    });
    return this.header([
      [2, concat(Uint8Array.of(0, 0), NOWHERE, NOWHERE)],
      ...messages,
      ...this.attributes(attributes),
    ]);
  }

  bytes(): Uint8Array {
    return concat(...this.#parts);
  }
}

const SIGNATURE = Uint8Array.of(0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a);

/** A file with this root. Addresses count from behind a user block. */
export function hdf5File(root: BuiltGroup, options: BuildOptions = {}): Uint8Array<ArrayBuffer> {
  const { userBlock = 0, style = "old" } = options;
  const builder = new Builder(options, style === "old" ? 96 : 48);
  const address = builder.group(root);
  const [base, end] = [u64(userBlock), u64(builder.length)];
  const head =
    style === "old"
      ? builder.edited(
          "superblock",
          concat(
            concat(SIGNATURE, Uint8Array.of(0, 0, 0, 0, 0, 8, 8, 0), u16(4), u16(16), u32(0)),
            concat(base, NOWHERE, end, NOWHERE, u64(0), u64(address), new Uint8Array(24)),
          ),
        )
      : builder.checked("superblock", concat(SIGNATURE, Uint8Array.of(2, 8, 8, 0), base, NOWHERE, end, u64(address)));
  return concat(new Uint8Array(userBlock), head, builder.bytes());
}
