// Moves rows: dst[b, i, :] = src[b, index[i], :].

/** Rows up to this many bytes are copied word by word: `memory.copy` is a call out of the module. */
const SHORT_ROW: i32 = 128;

/** `index` i32[length]; rows of `runBytes` bytes; dst and src do not overlap. */
export function gather(dst: usize, src: usize, batch: i32, length: i32, runBytes: i32, index: usize): void {
  const blockBytes = <usize>length * <usize>runBytes;
  for (let b = 0; b < batch; b++) {
    if (runBytes == 1) gatherElements<u8>(dst, src, length, index);
    else if (runBytes == 2) gatherElements<u16>(dst, src, length, index);
    else if (runBytes == 4) gatherElements<u32>(dst, src, length, index);
    else if (runBytes == 8) gatherElements<u64>(dst, src, length, index);
    else gatherRows(dst, src, length, runBytes, index);
    dst += blockBytes;
    src += blockBytes;
  }
}

function gatherElements<T>(dst: usize, src: usize, length: i32, index: usize): void {
  const end = index + ((<usize>length) << 2);
  for (; index < end; index += 4) {
    store<T>(dst, load<T>(src + <usize>load<i32>(index) * sizeof<T>()));
    dst += sizeof<T>();
  }
}

function gatherRows(dst: usize, src: usize, length: i32, runBytes: i32, index: usize): void {
  const bytes = <usize>runBytes;
  const end = index + ((<usize>length) << 2);
  for (; index < end; index += 4) {
    const from = src + <usize>load<i32>(index) * bytes;
    if (runBytes > SHORT_ROW) memory.copy(dst, from, bytes);
    else copyShort(dst, from, bytes);
    dst += bytes;
  }
}

function copyShort(dst: usize, src: usize, bytes: usize): void {
  const end = src + bytes;
  for (; src + 8 <= end; src += 8) {
    store<u64>(dst, load<u64>(src));
    dst += 8;
  }
  for (; src + 2 <= end; src += 2) {
    store<u16>(dst, load<u16>(src));
    dst += 2;
  }
  if (src < end) store<u8>(dst, load<u8>(src));
}
