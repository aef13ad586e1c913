/** Recognises ONNX files: protobufs without a signature. */

/** The tag of field 1, `ir_version`. */
const IR_VERSION = 0x08;

/** Tags of ModelProto's fields 2 to 8, 14, 20 and 25. */
const TAGS: readonly number[] = [0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42, 0x72, 0xa2, 0xca];

/**
 * True for a file that `openOnnx` should open: by its ending and a first tag, or ir_version, a small number, and
 * another tag.
 */
export function looksLikeOnnx(head: Uint8Array, name: string): boolean {
  if (/\.onnx$/i.test(name) && (head[0] === IR_VERSION || TAGS.includes(head[0]!))) return true;
  return (
    head[0] === IR_VERSION && head[1]! > 0 && head[1]! < 32 && TAGS.includes(head[2]!) && !/\.(pb|pbtxt)$/i.test(name)
  );
}
