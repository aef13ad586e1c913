export interface Notebook {
  cells: {
    id: string;
    cell_type: string;
    source: string | string[];
    metadata: object;
    outputs?: {
      output_type: string;
      name?: string;
      text?: string | string[];
      data?: Record<string, string | string[]>;
    }[];
  }[];
  metadata: { kernelspec: { name: string }; language_info: { name: string } };
}

export function notebookFile(root: string): string;
export function notebookMissing(root: string): string | null;
export function runNotebook(root: string): Notebook;
export function runNotebookPatiently(root: string, before: Notebook, attempts?: number): Notebook;
export function tidyNotebook(notebook: Notebook): Notebook;
