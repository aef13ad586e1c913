/** Names as an attacker writes them: text with characters that a terminal or a page would act on. */

import fc from "fast-check";

/** What must never reach a terminal: control characters, C1 too, marks that turn or hide text, other line ends. */
export const RAW: RegExp =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/;

/** Each of them once at least, in the places that were found raw: screen, title, clipboard, forged lines, bidi, C1. */
export const NASTY: readonly string[] = [
  "\u001b[2J\u001b[H",
  "\u001b]0;title\u0007",
  "\u001b]52;c;ZXZpbA==\u0007",
  "a\r\nfamily  mlp: forged",
  "\u202eevil\u202c",
  "\u009b31m",
  "\u0000nul",
  "del\u007f",
  "\u2028line\u2029",
  "zero\u200bwidth\u200f",
  "\u2066isolate\u2069\ufeff",
  "\u0085next\u061c\u00ad",
];

export function hostileText(): fc.Arbitrary<string> {
  const piece = fc.oneof(
    fc.constantFrom(...NASTY),
    fc.string({ maxLength: 8 }),
    fc.integer({ min: 0, max: 0x2100 }).map((code) => String.fromCharCode(code)),
    fc.constantFrom("\ud800", "\u{e0001}", "\u{1d173}"),
  );
  return fc.array(piece, { maxLength: 5 }).map((pieces) => pieces.join(""));
}
