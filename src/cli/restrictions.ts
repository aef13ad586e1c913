/** Which options need or exclude which: the tables give the check, the message and the help. */

import { type Option, type OtherOptions, UsageError, written } from "./option.ts";

type Rules = Readonly<Record<string, Option>>;
type Texts = ReadonlyMap<string, string>;

/** Throws `UsageError` for the first option that is of no use, lacks another, or excludes another. */
export function checkRestrictions(rules: Rules, texts: Texts): void {
  const inForce = Object.keys(rules).filter((name) => isInForce(name, rules, texts));
  for (const name of inForce) checkUse(name, rules, texts);
  for (const name of Object.keys(rules)) checkNeeds(name, rules, texts);
  for (const name of inForce) {
    const other = rules[name]!.without?.find((each) => isInForce(each, rules, texts));
    if (other !== undefined) throw new UsageError(`--${name} and --${other} exclude each other, expected one of them`);
  }
}

/** Whether an option does something: it was given, with another value than its default. */
const isInForce = (name: string, rules: Rules, texts: Texts): boolean =>
  texts.has(name) && texts.get(name) !== rules[name]?.default;

function checkUse(name: string, rules: Rules, texts: Texts): void {
  const others = rules[name]!.for;
  if (others === undefined || isMet(others, rules, texts)) return;
  const instead = Object.keys(others)
    .filter((other) => texts.has(other))
    .map((other) => ` with --${other} ${texts.get(other)}`);
  throw new UsageError(`--${name} is ${useText(others, rules)}, expected no --${name}${instead.join("")}`);
}

const isMet = (others: OtherOptions, rules: Rules, texts: Texts): boolean =>
  Object.entries(others).some(([other, values]) =>
    values === true ? isInForce(other, rules, texts) : values.includes(texts.get(other) ?? ""),
  );

function checkNeeds(name: string, rules: Rules, texts: Texts): void {
  const { needs = {} } = rules[name]!;
  for (const [other, values] of Object.entries(needs)) {
    const isNeeded = values === true ? isInForce(name, rules, texts) : values.includes(texts.get(name) ?? "");
    if (!isNeeded || texts.has(other)) continue;
    throw new UsageError(`--${name} ${texts.get(name)} has no --${other}, expected ${written(other, rules[other]!)}`);
  }
}

/** "for --method hybrid", "not for --method straight-through": as messages and the help show it. */
export function useText(others: OtherOptions, rules: Rules): string {
  const parts = Object.entries(others).map(([other, values]) => {
    const choices = rules[other]?.choices ?? [];
    if (values === true) return { not: false, words: `--${other}` };
    const [named, rest] = [
      choices.filter((each) => values.includes(each)),
      choices.filter((each) => !values.includes(each)),
    ];
    const not = rest.length < named.length && Object.keys(others).length === 1 && rules[other]?.default !== undefined;
    return { not, words: `--${other} ${orText(not ? rest : named)}` };
  });
  return `${parts.some(({ not }) => not) ? "not " : ""}for ${orText(parts.map(({ words }) => words))}`;
}

const orText = (words: readonly string[]): string =>
  words.length < 2 ? words.join() : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
