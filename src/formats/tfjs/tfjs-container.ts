/** What a model of TensorFlow.js remembers of its files. */

import type { TensorInfo } from "../../base/model.ts";
import type { ByteSource } from "../../io/byte-source.ts";
import type { ManifestGroup, ManifestWeight } from "./manifest.ts";

/** A tensor of numbers, and where it is in its group. */
export interface PlacedWeight extends ManifestWeight {
  readonly group: number;
  readonly index: number;
  readonly offset: number;
  readonly byteLength: number;
}

/** A group of the manifest and its files. */
export interface OpenGroup extends ManifestGroup {
  readonly sources: readonly ByteSource[];
  readonly all: ByteSource;
}

/** What a model remembers of its files, for writing into copies of them. */
export interface TfjsContainer {
  readonly source: ByteSource;
  readonly groups: readonly OpenGroup[];
  readonly tensors: ReadonlyMap<string, PlacedWeight>;
  readonly infos: ReadonlyMap<string, TensorInfo>;
  /** The JSON; empty for a manifest of weights alone. */
  readonly json: Readonly<Record<string, unknown>>;
}
