/** Patterns of tensor names: `encoder.layer.{L}.output.dense.(weight|kernel)`; see `table.ts`. */

/** A pattern as a regular expression, whose groups are its variables in order. */
export function compilePattern(text: string): { regex: RegExp; variables: string[]; optional: boolean } {
  const variables: string[] = [];
  const optional = text.endsWith("?");
  const source = (optional ? text.slice(0, -1) : text)
    .replace(/[.$^+*\\]/g, "\\$&")
    .replaceAll("(", "(?:")
    .replace(/\[([^\]]*)\]/g, "(?:$1)?")
    .replace(/\{(\w+)\}/g, (_, variable: string) => {
      // The same number again: experts of a layer whose number stands twice in the name.
      if (variables.includes(variable)) return `\\k<${variable}>`;
      variables.push(variable);
      return `(?<${variable}>0|[1-9][0-9]{0,5})`;
    });
  return { regex: new RegExp(`^${source}$`), variables, optional };
}
