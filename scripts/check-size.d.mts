/** Files of the project, and packages, of which the core entry of `folder` (a dist/) has code; sorted. */
export function coreModules(folder: string): string[];
