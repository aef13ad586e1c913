/** Imported before any suite: makes uvu queue its suites instead of running them, in every runtime alike. */
const scope = globalThis as {
  UVU_DEFER?: number;
  UVU_QUEUE?: unknown[];
  UVU_INDEX?: number;
  /** Set by hosts without a standard output, before the suites are loaded: takes what would be printed. */
  hostLog?: (text: string) => void;
};
scope.UVU_DEFER = 1;
scope.UVU_QUEUE = [[]];
scope.UVU_INDEX = 0;

const { hostLog } = scope;
if (hostLog !== undefined) {
  // uvu prints by console.log there, in pieces: those that end in a space are the beginnings of lines.
  const ESCAPES = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, "g");
  console.log = (...values: unknown[]) => {
    const text = values.join(" ").replaceAll(ESCAPES, "");
    hostLog(/[ \n]$/.test(text) ? text : `${text}\n`);
  };
}
