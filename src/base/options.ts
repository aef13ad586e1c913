/** Checks of option objects: a misspelt option must not be silently ignored. */

/** Throws `TypeError` for a key of `options` that is not in `known`, naming the function and the known keys. */
export function checkOptions(caller: string, options: object, known: readonly string[]): void {
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) throw new TypeError(`${caller} option "${key}", expected one of ${known.join(", ")}`);
  }
}

/** Throws `RangeError` unless `value` is an integer of at least `least`. */
export function checkInteger(name: string, value: number, least: number): void {
  if (!(Number.isSafeInteger(value) && value >= least))
    throw new RangeError(`${name} ${value}, expected an integer from ${least}`);
}

/** Throws `RangeError` unless `threads` is "auto" or a positive integer. */
export function checkThreads(threads: number | "auto"): void {
  if (threads !== "auto" && !(Number.isSafeInteger(threads) && threads >= 1)) {
    throw new RangeError(`threads ${threads}, expected "auto" or a positive integer`);
  }
}
