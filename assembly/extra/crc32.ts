// CRC-32 as in ZIP, gzip and PNG (ISO 3309: reflected, polynomial 0xEDB88320), eight bytes at a step (Intel's slicing-by-8).

const POLYNOMIAL: u32 = 0xedb88320;

/** Fills `tables`, eight tables of 256 u32: entry b of table t is for byte b with t bytes of zero behind it. */
export function crc32Tables(tables: usize): void {
  for (let b: u32 = 0; b < 256; b++) {
    let value = b;
    for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (POLYNOMIAL & (0 - (value & 1)));
    store<u32>(tables + ((<usize>b) << 2), value);
  }
  for (let at = tables + 1024; at < tables + 8192; at += 4) {
    const before = load<u32>(at - 1024);
    store<u32>(at, (before >>> 8) ^ entry(tables, 0, before & 255));
  }
}

function entry(tables: usize, table: usize, byte: u32): u32 {
  return load<u32>(tables + table * 1024 + ((<usize>byte) << 2));
}

/** CRC-32 of `length` bytes that follow bytes of CRC-32 `before`, 0 before the first; with tables of `crc32Tables`. */
export function crc32(before: u32, bytes: usize, length: i32, tables: usize): u32 {
  let crc = ~before;
  for (; length >= 8; length -= 8) {
    const low = load<u32>(bytes) ^ crc;
    const high = load<u32>(bytes, 4);
    crc =
      entry(tables, 7, low & 255) ^
      entry(tables, 6, (low >>> 8) & 255) ^
      entry(tables, 5, (low >>> 16) & 255) ^
      entry(tables, 4, low >>> 24) ^
      entry(tables, 3, high & 255) ^
      entry(tables, 2, (high >>> 8) & 255) ^
      entry(tables, 1, (high >>> 16) & 255) ^
      entry(tables, 0, high >>> 24);
    bytes += 8;
  }
  for (; length > 0; length--) {
    crc = entry(tables, 0, (crc ^ load<u8>(bytes)) & 255) ^ (crc >>> 8);
    bytes += 1;
  }
  return ~crc;
}
