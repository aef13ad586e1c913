// Moves rows: dst[b, i, :] = src[b, index[i], :]. Rows of element sizes are loaded and stored; for all others
// `memory.copy` is no slower than a loop of words, from 12 bytes on, in every engine tried.

/** `index` i32[length]; every index below length; rows of `runBytes` bytes; dst and src do not overlap. */
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
    memory.copy(dst, src + <usize>load<i32>(index) * bytes, bytes);
    dst += bytes;
  }
}
