/** All faults under the folder `root`. */
export declare function proseFaults(root: string): Generator<string>;

/** Sentences as they are read: code is a word, a link is its text. */
export declare function sentencesOf(text: string): string[];
