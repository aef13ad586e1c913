/** Options as data: what the help shows, which ones exclude each other, and the type of each value. */

/** The command line itself is wrong: exit code 2, and a hint at `--help`. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Under which heading the help lists an option; without one, under "Options". */
export type OptionGroup = "output" | "input" | "matching" | "blending" | "images" | "repair";

/** Other options, each with the values it must have one of; `true` for any value but its default. */
export type OtherOptions = Readonly<Record<string, readonly string[] | true>>;

/** What every option has. Restrictions count from when an option has another value than its default. */
interface OptionFacts {
  readonly short?: string | undefined;
  readonly help: string;
  readonly group?: OptionGroup | undefined;
  /** Must be given: `read` throws where it is absent. */
  readonly required?: true | undefined;
  /** Only beside one of these. The help and the message come from here. */
  readonly for?: OtherOptions | undefined;
  /** Must be given, too: where this option has one of the values, or any. */
  readonly needs?: OtherOptions | undefined;
  /** Names of options that it excludes. */
  readonly without?: readonly string[] | undefined;
}

/** One option of a command line, whose value is a `T`. */
export interface Option<T = unknown> extends OptionFacts {
  /** How the help writes the value: `FILE`. Without it the option is a flag. */
  readonly value?: string | undefined;
  /** May be given several times: `read` gets the values as lines. */
  readonly isRepeated?: boolean | undefined;
  /** Allowed values, where the list is closed. */
  readonly choices?: readonly string[] | undefined;
  /** As a user would write it. */
  readonly default?: string | undefined;
  /** For the help, where other options decide the default. */
  readonly defaultText?: string | undefined;
  /** The value of what was given or is the default. Throws `UsageError`. */
  readonly read: (text: string | undefined, name: string) => T;
}

/** The options that give the values `V`: one for each, of its type. */
export type Options<V> = { readonly [K in keyof V]: Option<V[K]> };

/** What builders of options with values take. */
interface ValueFacts extends OptionFacts {
  readonly value: string;
  readonly default?: string | number | undefined;
  readonly defaultText?: string | undefined;
}

/** Absent only where there is no default and nothing requires it. */
type Read<F, T> = F extends { readonly default: string | number } | { readonly required: true } ? T : T | undefined;

export function flag(facts: OptionFacts): Option<boolean> {
  return { ...facts, read: (text) => text !== undefined };
}

export function text<const F extends ValueFacts>(facts: F): Option<Read<F, string>> {
  return valued(facts, (given) => given);
}

export function choice<const C extends string, const F extends ValueFacts>(
  choices: readonly C[],
  facts: F,
): Option<Read<F, C>> {
  const option = valued(facts, (given, name) => {
    const found = choices.find((each) => each === given);
    if (found === undefined) throw new UsageError(`--${name} ${given}, expected one of ${choices.join(", ")}`);
    return found;
  });
  return { ...option, choices };
}

/** A finite number of at least `min`, at most `max` where there is one. */
export function number<const F extends ValueFacts & Bounds>(facts: F): Option<Read<F, number>> {
  return valued(facts, (given, name) => toNumber(given, name, facts, false));
}

/** A safe integer. */
export function integer<const F extends ValueFacts & Bounds>(facts: F): Option<Read<F, number>> {
  return valued(facts, (given, name) => toNumber(given, name, facts, true));
}

/** Bytes as people write them: `500MB`, `2GB`, `1.5e9`; 1 GB is 10⁹ bytes, 1 GiB 2³⁰. */
export function byteCount<const F extends ValueFacts>(facts: F): Option<Read<F, number>> {
  return valued(facts, (given, name) => {
    const [, digits, unit] = /^([\d.]+(?:e\d+)?)\s*([kmgt]i?b|b)?$/i.exec(given) ?? [];
    const bytes = Math.floor(Number(digits) * (BYTE_UNITS[(unit ?? "b").toLowerCase()] ?? 1));
    if (Number.isSafeInteger(bytes) && bytes > 0) return bytes;
    throw new UsageError(`--${name} ${given}, expected a number of bytes such as 500MB or 2GB`);
  });
}

const BYTE_UNITS: Readonly<Record<string, number>> = {
  ...{ b: 1, kb: 1e3, mb: 1e6, gb: 1e9, tb: 1e12 },
  ...{ kib: 2 ** 10, mib: 2 ** 20, gib: 2 ** 30, tib: 2 ** 40 },
};

/** An integer, or the word `auto`. */
export function integerOrAuto<const F extends ValueFacts & Bounds>(facts: F): Option<Read<F, number | "auto">> {
  return valued(facts, (given, name) => (given === "auto" ? "auto" : toNumber(given, name, facts, true)));
}

/** Words by commas, without spaces around them. */
export function list<const F extends ValueFacts>(facts: F): Option<Read<F, readonly string[]>> {
  return valued(facts, (given) => given.split(",").map((each) => each.trim()));
}

/** Numbers by commas; `expected` describes them in messages. */
export function numbers<const F extends ValueFacts>(facts: F, expected: string): Option<Read<F, readonly number[]>> {
  return valued(facts, (given, name) => {
    const found = given.split(",").map(finite);
    if (found.every(Number.isFinite)) return found;
    throw new UsageError(`--${name} ${given}, expected numbers by commas, ${expected}`);
  });
}

/** Any value that `read` makes of a text; `read` throws `UsageError`. */
export function parsed<T, const F extends ValueFacts>(
  facts: F,
  read: (given: string, name: string) => T,
): Option<Read<F, T>> {
  return valued(facts, read);
}

/** An option that is given once or more, of which `read` makes a value each. */
export function repeated<T>(facts: ValueFacts, read: (given: string, name: string) => T): Option<readonly T[]> {
  const option = parsed({ ...facts, required: true as const }, (lines, name) =>
    lines.split("\n").map((line) => read(line, name)),
  );
  return { ...option, isRepeated: true };
}

/** The same option where a command cannot do without it. */
export function required<T>(option: Option<T | undefined>): Option<T> {
  return {
    ...option,
    required: true,
    read(given, name) {
      const value = option.read(given, name);
      if (value === undefined) throw missing(name, option);
      return value;
    },
  };
}

/** The same options under one heading. */
export function inGroup<V>(group: OptionGroup, options: Options<V>): Options<V> {
  const grouped = Object.entries<Option>(options).map(([name, option]) => [name, { ...option, group }]);
  return Object.fromEntries(grouped);
}

/** How an option and its value are written: `--data DIR`. */
export const written = (name: string, { value }: Pick<Option, "value">): string =>
  value === undefined ? `--${name}` : `--${name} ${value}`;

function missing(name: string, option: Pick<Option, "value">): UsageError {
  return new UsageError(`the command line has no --${name}, expected ${written(name, option)}`);
}

interface Bounds {
  readonly min: number;
  readonly max?: number | undefined;
}

function valued<T, F extends ValueFacts>(
  { default: byDefault, ...facts }: F,
  read: (given: string, name: string) => T,
): Option<Read<F, T>> {
  // TypeScript does not decide a conditional type of a type parameter: this is the one place that says what `Read` means.
  const readOrMiss = (given: string | undefined, name: string): T | undefined => {
    if (given !== undefined) return read(given, name);
    if (facts.required === true) throw missing(name, facts);
    return undefined;
  };
  return {
    ...facts,
    default: byDefault === undefined ? undefined : String(byDefault),
    read: readOrMiss as Option<Read<F, T>>["read"],
  };
}

const finite = (text: string): number => (text.trim() === "" ? Number.NaN : Number(text));

function toNumber(given: string, name: string, { min, max }: Bounds, whole: boolean): number {
  const value = finite(given);
  const fits = whole ? Number.isSafeInteger(value) : Number.isFinite(value);
  if (fits && value >= min && (max === undefined || value <= max)) return value;
  const range = max === undefined ? `from ${min}` : `from ${min} to ${max}`;
  throw new UsageError(`--${name} ${given}, expected ${whole ? "an integer" : "a number"} ${range}`);
}
