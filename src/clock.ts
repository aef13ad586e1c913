/** How long work takes, for reports. */

/**
 * Starts a clock that tells the seconds since, to the millisecond. It is `Date`'s: Node loads what is behind
 * `performance` when that is first used, which would take as long as a small matching.
 */
export function startClock(): () => number {
  const started = Date.now();
  // The system's clock may be set back meanwhile.
  return () => Math.max(0, Date.now() - started) / 1000;
}
