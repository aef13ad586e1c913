/** Figures that hold one chart, drawn by the charts worker. */

import { byId } from "./page.ts";

/** Beyond this, charts only get larger and show no more. */
const WIDEST = 1000;

export interface ChartFigure {
  /** Width to draw for. */
  readonly width: number;
  /** Puts the text of an SVG file in place. */
  show(svg: string): void;
  /**
   * Draws and shows; while one drawing is under way, only the last that was asked for waits. Resolves to the text of
   * the SVG that is then shown, or null when a later one took its place. Rejects when the drawing does.
   */
  draw(make: () => Promise<string>): Promise<string | null>;
  /** Back to the first text of the page. */
  clear(): void;
}

const styles = new Set<string>();

/**
 * Every chart brings the same style sheet, and every new one in the page has the whole page's styles computed again:
 * one is kept, in the head.
 */
function keepStyle(style: Element): void {
  const text = style.textContent ?? "";
  style.remove();
  if (styles.has(text)) return;
  styles.add(text);
  document.head.append(style);
}

export function createFigure(id: string): ChartFigure {
  const figure = byId(id, HTMLElement);
  const hint = [...figure.childNodes];
  let asked = 0;
  let last: Promise<unknown> = Promise.resolve();
  const show = (svg: string): void => {
    const template = document.createElement("template");
    // The chart worker's own text: names in it are escaped, and the page runs no scripts but its own.
    template.innerHTML = svg;
    for (const style of template.content.querySelectorAll("style")) keepStyle(style);
    figure.replaceChildren(template.content);
  };
  return {
    get width() {
      return Math.min(WIDEST, figure.clientWidth || 320);
    },
    show,
    draw(make) {
      const mine = ++asked;
      const turn = last.then(async () => {
        if (mine !== asked) return null;
        const svg = await make();
        if (mine !== asked) return null;
        show(svg);
        return svg;
      });
      last = turn.catch(() => undefined);
      return turn;
    },
    clear() {
      asked++;
      figure.replaceChildren(...hint);
    },
  };
}
