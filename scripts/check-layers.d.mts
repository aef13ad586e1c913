/** Faults of the layers of the project in `folder`, one line each, and how much was looked at. */
export function checkLayers(folder: string): { files: number; rows: number; faults: string[] };
