/**
 * Sizes of axes that may be unknown: a number, or the text of a product of a number and names of unknown sizes, such as
 * `12*batch*time`. A reshape of the batch and 12 heads to one axis is then read as what it is.
 */

/** A size, or a product with unknown sizes in it. */
export type Size = number | string;

interface Product {
  readonly factor: number;
  readonly unknown: readonly string[];
}

function read(size: Size): Product {
  if (typeof size === "number") return { factor: size, unknown: [] };
  const [factor, ...unknown] = size.split("*");
  return { factor: Number(factor), unknown };
}

function write(factor: number, unknown: readonly string[]): Size {
  return unknown.length === 0 || factor === 0 ? factor : [factor, ...[...unknown].sort()].join("*");
}

/** The unknown size of this name, which holds neither `*` nor a space. */
export function unknownSize(name: string): Size {
  return `1*${name}`;
}

/** a · b. */
export function timesSize(a: Size, b: Size): Size {
  if (typeof a === "number" && typeof b === "number") return a * b;
  const [first, second] = [read(a), read(b)];
  return write(first.factor * second.factor, [...first.unknown, ...second.unknown]);
}

/** The product of all. */
export function productSize(sizes: Iterable<Size>): Size {
  let product: Size = 1;
  for (const size of sizes) product = timesSize(product, size);
  return product;
}

/** a / b where that is a size, else undefined. */
export function dividedSize(a: Size, b: Size): Size | undefined {
  if (typeof a === "number" && typeof b === "number") return b > 0 && a % b === 0 ? a / b : undefined;
  const [whole, part] = [read(a), read(b)];
  if (part.factor <= 0 || whole.factor % part.factor !== 0) return undefined;
  const left = [...whole.unknown];
  for (const name of part.unknown) {
    const at = left.indexOf(name);
    if (at < 0) return undefined;
    left.splice(at, 1);
  }
  return write(whole.factor / part.factor, left);
}
