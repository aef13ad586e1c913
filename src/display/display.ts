/** What a notebook shows: one picture in the forms that notebooks know. */

/** The key under which Deno's Jupyter kernel asks an object for its picture. No import of Deno is needed for it. */
export const JUPYTER_DISPLAY: unique symbol = Symbol.for("Jupyter.display");

/**
 * A picture that shows itself when it is the last expression of a notebook cell (Deno's kernel), or by its `svg`
 * wherever else SVG can be shown.
 */
export interface Display {
  /** The text of an SVG file; light or dark by `prefers-color-scheme`. */
  readonly svg: string;
  /** The same in words. */
  readonly text: string;
  /**
   * By media type: `image/svg+xml`, `text/html` (the same SVG, inline: exports to HTML drop the other) and
   * `text/plain`.
   */
  [JUPYTER_DISPLAY](): Record<string, string>;
}

/** A display from its picture and its words. */
export function createDisplay(svg: string, text: string): Display {
  return {
    svg,
    text,
    [JUPYTER_DISPLAY]: () => ({ "image/svg+xml": svg, "text/html": svg, "text/plain": text }),
  };
}
