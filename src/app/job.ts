/** One piece of work at a time in a section: its buttons, its progress and what is said of it. */

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
  /** Runs `work` unless something runs already; its result is what is said at the end. */
  run(what: string, work: (job: Job) => Promise<string>): Promise<void>;
  /** Stops what runs. */
  cancel(): void;
  /** What is said while nothing runs; of work that is being stopped, in place of that it was. */
  say(text: string): void;
}

/** `onBusy` is told when work begins and ends: the section enables and disables what starts it. */
export function createJobRunner(section: HTMLElement, onBusy: (busy: boolean) => void): JobRunner {
  const cancel = only(section, "[data-cancel]", HTMLButtonElement);
  const status = only(section, "[data-status]", HTMLElement);
  const progress = only(section, "progress", HTMLProgressElement);
  let controller: AbortController | null = null;
  let afterwards: string | null = null;
  cancel.addEventListener("click", () => controller?.abort());
  const say = (text: string, wrong = false): void => {
    status.textContent = text;
    status.classList.toggle("wrong", wrong);
  };
  const settle = (text: string, wrong: boolean): void => {
    say(text, wrong);
    announce(text);
  };
  return {
    cancel: () => controller?.abort(),
    say(text) {
      if (controller !== null) {
        afterwards = text;
        return;
      }
      say(text);
      progress.value = 0;
    },
    async run(what, work) {
      if (controller !== null) return;
      controller = new AbortController();
      afterwards = null;
      const { signal } = controller;
      const began = document.activeElement;
      cancel.disabled = false;
      onBusy(true);
      progress.removeAttribute("value");
      say(`${what} …`);
      announce(`${what} …`);
      const report = ({ share, text }: JobReport): void => {
        if (signal.aborted) return;
        if (share === null) progress.removeAttribute("value");
        else progress.value = share;
        say(text);
        announce(text, { passing: true });
      };
      try {
        settle(await work({ signal, report }), false);
        progress.value = 1;
      } catch (error) {
        progress.value = 0;
        if (signal.aborted) settle(afterwards ?? `${what}: cancelled.`, false);
        else settle(error instanceof Error ? error.message : String(error), true);
      } finally {
        controller = null;
        const held = document.activeElement === cancel || document.activeElement === document.body;
        cancel.disabled = true;
        onBusy(false);
        // Focus must not fall off the page with the button that had it.
        if (held && began instanceof HTMLElement) began.focus();
      }
    },
  };
}
