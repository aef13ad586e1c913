/** Recognises ONNX files: protobufs without a signature. */

/** Tags of ModelProto's fields 2 to 8, 14, 20 and 25. */
const NEXT: readonly number[] = [0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42, 0x72, 0xa2, 0xca];

/** True for a file that `openOnnx` should open: by its ending, or field 1 (ir_version, a small number) and another of ModelProto. */
export function looksLikeOnnx(head: Uint8Array, name: string): boolean {
  if (/\.onnx$/i.test(name)) return head[0] !== 0x7b && !startsAsPointer(head);
  return head[0] === 0x08 && head[1]! > 0 && head[1]! < 32 && NEXT.includes(head[2]!) && !/\.(pb|pbtxt)$/i.test(name);
}

/** Git LFS leaves a text in a file's place. */
function startsAsPointer(head: Uint8Array): boolean {
  return String.fromCharCode(...head.subarray(0, 8)) === "version ";
}
