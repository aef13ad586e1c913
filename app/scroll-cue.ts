/** Says of a box that scrolls that there is more below: phones show no scroll bar until a finger moves it. */

import { only } from "./page.ts";

/** Less than this hides no line. */
const SLACK = 8;

/** Shows the cue beside `box`, in the element around both, while the end of the box is not in view. */
export function cueScrolling(box: HTMLElement): void {
  const cue = only(box.parentElement!, ".cue", HTMLElement);
  const look = (): void => {
    cue.hidden = box.scrollHeight - box.scrollTop - box.clientHeight < SLACK;
  };
  box.addEventListener("scroll", look, { passive: true });
  new MutationObserver(look).observe(box, { childList: true, subtree: true, characterData: true });
  new ResizeObserver(look).observe(box);
}
