/** Text from files, made fit for a line of a terminal or a page. */

/** Control, format (zero-width, direction-changing) and line-separating characters, and lone surrogates. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/**
 * The text with `\uXXXX` for each character that a terminal or a page would act on and not show, line ends among them.
 * What is visible already stays as it is, so doing it twice changes nothing. JSON text stays JSON of the same value.
 *
 * @example
 * visible("a\u001b[2J"); // "a\\u001b[2J"
 */
export function visible(text: string): string {
  return text.replaceAll(INVISIBLE, (character) => {
    let escaped = "";
    for (let at = 0; at < character.length; at++)
      escaped += `\\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`;
    return escaped;
  });
}
