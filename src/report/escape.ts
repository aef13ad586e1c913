/** Text inside of markup. */

import { visible } from "../base/visible.ts";

/**
 * For element content and quoted attributes, of HTML and of XML. Characters that change what is around them, or that XML
 * does not allow, are made visible; line ends and tabs stay.
 */
export function escapeMarkup(text: string): string {
  const shown = text.replaceAll(/[^\n\t]+/g, visible);
  return shown.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
