/** Text from files, made fit to be shown. */

/** Control and format characters (among them the marks that turn the direction of text), lone surrogates, line ends. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\ufffe\uffff]/gu;

/**
 * With U+FFFD for each character that cannot be seen or would change what is around it; longer ones cut in the
 * middle.
 */
export function visibleText(text: string, longest = 56): string {
  // Cut first, from both ends: a name may be a hundred thousand characters long.
  const ends = text.length > 8 * longest ? text.slice(0, 4 * longest) + text.slice(-4 * longest) : text;
  const characters = Array.from(ends.replaceAll(INVISIBLE, "\ufffd"));
  if (characters.length <= longest) return characters.join("");
  const head = Math.ceil((longest - 1) / 2);
  return [...characters.slice(0, head), "…", ...characters.slice(head + 1 - longest)].join("");
}

/** Columns that a text takes in a monospaced font: two for what may be wide (East Asian scripts, emoji). */
export function columnsOf(text: string): number {
  let columns = 0;
  for (const character of text) columns += character.codePointAt(0)! < 0x1100 || character === "…" ? 1 : 2;
  return columns;
}
