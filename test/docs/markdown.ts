/** Fenced blocks of a guide, and what their marks ask for. */

export interface Block {
  readonly language: string;
  /** Words after the language: `continued`, `page`, `worker`, `not-run:` and why. */
  readonly marks: readonly string[];
  readonly text: string;
  /** Line of its opening fence, from 1. */
  readonly line: number;
}

const FENCE = /^```(\S*)[ \t]*(.*)\n([\s\S]*?)^```[ \t]*$/gm;

/** The fenced blocks of a Markdown text, in order. Fences of three backticks only. */
export function blocksOf(markdown: string): Block[] {
  return [...markdown.matchAll(FENCE)].map(({ 1: language, 2: marks, 3: text, index }) => ({
    language: language!,
    marks: marks!.split(/\s+/).filter((mark) => mark !== ""),
    text: text!,
    line: markdown.slice(0, index).split("\n").length,
  }));
}

/** The same Markdown with the text of its nth block put in place of what is there. */
export function withText(markdown: string, at: number, text: string): string {
  let n = 0;
  return markdown.replaceAll(FENCE, (whole, language: string, marks: string) => {
    if (n++ !== at) return whole;
    return `\`\`\`${[language, marks].filter((part) => part !== "").join(" ")}\n${text}\`\`\``;
  });
}

/** True for a block that is there to be read only; its reason follows the mark. */
export const isRead = ({ marks }: Block): boolean => marks[0] === "not-run:" && marks.length > 1;

/** Times differ from run to run. */
export const withoutTimes = (text: string): string => text.replaceAll(/\d+(?:\.\d+)? s\b/g, "… s").trimEnd();
