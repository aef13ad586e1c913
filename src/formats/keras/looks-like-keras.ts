/** Recognises HDF5 files, and archives of Keras. */

import { firstEntry, isZip } from "../zip-head.ts";

const SIGNATURE = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];
/** What Keras writes first into an archive. */
const FIRST_ENTRY = /^(metadata\.json|config\.json|model\.weights\.(h5|npz)|assets\/.*)$/;

/** True for HDF5: the signature may come after a block of the user's. */
export function looksLikeHdf5(head: Uint8Array): boolean {
  return [0, 512, 1024, 2048].some((at) => SIGNATURE.every((byte, i) => head[at + i] === byte));
}

/** True for an archive with Keras' files in it. */
export function looksLikeKeras(head: Uint8Array, name: string): boolean {
  return isZip(head) && (/\.keras$/i.test(name) || FIRST_ENTRY.test(firstEntry(head)));
}
