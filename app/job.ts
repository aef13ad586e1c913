/** One piece of work at a time in a section: its buttons, its progress and its messages. */

import { announce, only } from "./page.ts";

export interface JobReport {
  /** From 0 to 1; null where the end is not known. */
  readonly share: number | null;
  readonly text: string;
}

export interface Job {
  readonly signal: AbortSignal;
  report(report: JobReport): void;
}

export interface JobRunner {
  /** Runs `work` unless something runs already; its result is the message at the end. */
  run(what: string, work: (job: Job) => Promise<string>): Promise<void>;
  /** Stops what runs. */
  cancel(): void;
  /** The text while nothing runs; for work that is being stopped, instead of the message that it was. */
  say(text: string): void;
}

/** `onBusy` is called when work begins and ends: the section enables and disables what starts it. */
export function createJobRunner(section: HTMLElement, onBusy: (busy: boolean) => void): JobRunner {
  const cancel = only(section, "[data-cancel]", HTMLButtonElement);
  const display = createDisplay(section);
  let running: Running | null = null;
  cancel.addEventListener("click", () => running?.controller.abort());
  return {
    cancel: () => running?.controller.abort(),
    say(text) {
      if (running !== null) {
        running.whenStopped = text;
        return;
      }
      display.say(text);
      display.fill(0);
    },
    async run(what, work) {
      if (running !== null) return;
      running = { what, controller: new AbortController(), whenStopped: `${what}: cancelled.` };
      const began = document.activeElement;
      cancel.disabled = false;
      onBusy(true);
      try {
        await showWork(running, work, display);
      } finally {
        running = null;
        const held = document.activeElement === cancel || document.activeElement === document.body;
        cancel.disabled = true;
        onBusy(false);
        // Focus must not fall off the page with the button that had it.
        if (held && began instanceof HTMLElement) began.focus();
      }
    },
  };
}

interface Running {
  readonly what: string;
  readonly controller: AbortController;
  /** The message at its end when it was stopped. */
  whenStopped: string;
}

/** Does it, and shows how it goes and how it ended. */
async function showWork(running: Running, work: (job: Job) => Promise<string>, { say, fill }: Display): Promise<void> {
  const { what, controller } = running;
  const { signal } = controller;
  const tell = (text: string, wrong = false): void => {
    say(text, wrong);
    announce(text);
  };
  const report = ({ share, text }: JobReport): void => {
    if (signal.aborted) return;
    fill(share);
    say(text);
    announce(text, { passing: true });
  };
  fill(null);
  tell(`${what} …`);
  try {
    tell(await work({ signal, report }));
    fill(1);
  } catch (error) {
    fill(0);
    // The user may also close the browser's own question for a file.
    if (signal.aborted || (error as Partial<Error> | null)?.name === "AbortError") tell(running.whenStopped);
    else tell(error instanceof Error ? error.message : String(error), true);
  }
}

/** Where a section shows what it is at: one text and one bar. */
interface Display {
  say(text: string, wrong?: boolean): void;
  /** The bar, from 0 to 1; null where the end is not known. */
  fill(share: number | null): void;
}

function createDisplay(section: HTMLElement): Display {
  const status = only(section, "[data-status]", HTMLElement);
  const progress = only(section, "progress", HTMLProgressElement);
  return {
    say(text, wrong = false) {
      status.textContent = text;
      status.classList.toggle("wrong", wrong);
    },
    fill(share) {
      if (share === null) progress.removeAttribute("value");
      else progress.value = share;
    },
  };
}
