/** Names in the order in which people count: 2 before 10. */

/** Below 0 where `a` comes before `b`: digits are compared as numbers, everything else by code units. */
export function compareNaturally(a: string, b: string): number {
  const parts = (text: string): string[] => text.match(/\d+|\D+/g) ?? [];
  const [left, right] = [parts(a), parts(b)];
  for (const [i, part] of left.entries()) {
    const other = right[i];
    if (other === undefined) return 1;
    const [x, y] = [Number(part), Number(other)];
    const order = Number.isNaN(x) || Number.isNaN(y) ? Number(part > other) - Number(part < other) : x - y;
    if (order !== 0) return order;
  }
  return left.length - right.length;
}
