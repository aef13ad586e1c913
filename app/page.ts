/** The page's elements, and its announcements. */

type Constructor<T extends Element> = abstract new (...args: never[]) => T;

/** The element `#id`, which the page has. Throws `TypeError` when it is missing or of another kind. */
export function byId<T extends HTMLElement>(id: string, kind: Constructor<T>): T {
  return only(document, `#${id}`, kind);
}

/** The first element in `within` that fits. Throws `TypeError` when it is missing or of another kind. */
export function only<T extends Element>(within: ParentNode, selector: string, kind: Constructor<T>): T {
  const found = within.querySelector(selector);
  if (!(found instanceof kind)) throw new TypeError(`page element ${selector} is ${found}, expected ${kind.name}`);
  return found;
}

/** A new element with attributes and children; texts become text, never markup. */
export function make(
  tag: string,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly (Node | string)[]
): HTMLElement {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Runs `show` when the page has been loaded or come back to: by then browsers have put back what fields held before. */
export function onRestore(show: () => void): void {
  addEventListener("pageshow", show);
}

let lastWord = Number.NEGATIVE_INFINITY;
/** A screen reader that gets every step never finishes. */
const WORD_EVERY_MS = 4000;

/** Announces it to screen readers. With `passing`, only when the last word is some time ago. */
export function announce(text: string, options: { readonly passing?: boolean } = {}): void {
  const now = performance.now();
  if (options.passing && now - lastWord < WORD_EVERY_MS) return;
  lastWord = now;
  byId("announcer", HTMLElement).textContent = text;
}

/**
 * The whole number in the field `#id`. Throws `RangeError`, calling it `name`, for anything that its bounds leave out.
 */
export function wholeNumberIn(id: string, name: string): number {
  const { min, max, value, validity } = byId(id, HTMLInputElement);
  const range = `expected a whole number from ${min} to ${Number(max).toLocaleString("en")}`;
  // Of text that is no number, browsers give away no more than that.
  if (value === "")
    throw new RangeError(`${name}: the field ${validity.badInput ? "has no number" : "is empty"}, ${range}`);
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < Number(min) || number > Number(max))
    throw new RangeError(`${name} ${value}, ${range}`);
  return number;
}

/** "1 step", "2 steps". */
export const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;

/** Bytes for people: "1.2 MB". */
export function formatBytes(bytes: number): string {
  if (bytes < 1e3) return `${bytes} bytes`;
  const [value, unit] = bytes < 1e6 ? [bytes / 1e3, "kB"] : bytes < 1e9 ? [bytes / 1e6, "MB"] : [bytes / 1e9, "GB"];
  return `${value.toPrecision(3)} ${unit}`;
}

/** Lets the browser save a Blob under a name. */
export function saveBlob(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = make("a", { href: url, download: name });
  link.click();
  // The download has its own hold on the Blob once it has begun.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Less than this hides no line. */
const SLACK = 8;

/**
 * Phones show no scroll bar until a finger moves it: shows the cue beside `box`, in the element around both, while the
 * end of the box is not in view.
 */
export function cueScrolling(box: HTMLElement): void {
  const cue = only(box.parentElement!, ".cue", HTMLElement);
  const look = (): void => {
    cue.hidden = box.scrollHeight - box.scrollTop - box.clientHeight < SLACK;
  };
  box.addEventListener("scroll", look, { passive: true });
  new MutationObserver(look).observe(box, { childList: true, subtree: true, characterData: true });
  new ResizeObserver(look).observe(box);
}
