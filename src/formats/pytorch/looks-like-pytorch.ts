/** Recognises PyTorch's files: zip archives of `torch.save`, what came before them, TorchScript. */

import { looksLikeTar } from "../../io/tar.ts";
import { firstEntry, isZip } from "../zip-head.ts";

/** Names that PyTorch's writers, and tools that pack again, begin an archive with. */
const FIRST_ENTRY =
  /(^|\/)((data|constants)\.pkl|byteorder|version|\.format_version|\.storage_alignment|(data|code|\.data)\/.*)$/;
const ENDING = /\.(pt|pt2|pth|bin|ckpt)$/i;
/** The number that files before 1.6 begin with, as a pickle has it. */
const MAGIC = [0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
/** Protocol and frame precede it. */
const MAGIC_WITHIN = 12;

/** True for a file that `openPytorch` should open, also where it will fail with the reason. */
export function looksLikePytorch(head: Uint8Array, name: string): boolean {
  if (isZip(head)) {
    const first = firstEntry(head);
    return FIRST_ENTRY.test(first) || (ENDING.test(name) && !first.endsWith(".npy"));
  }
  if (head[0] === 0x80 && head[1]! >= 2 && head[1]! <= 5) return ENDING.test(name) || hasMagic(head);
  if (looksLikeTar(head))
    return /^(\.\/)*(sys_info|pickle|storages|tensors)\0/.test(String.fromCharCode(...head.subarray(0, 100)));
  return new TextDecoder().decode(Uint8Array.from(head.subarray(0, 8))) === "PYTORCH1";
}

function hasMagic(head: Uint8Array): boolean {
  for (let at = 2; at <= MAGIC_WITHIN; at++) if (MAGIC.every((byte, i) => head[at + i] === byte)) return true;
  return false;
}
