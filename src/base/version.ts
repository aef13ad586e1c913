/** The version of the package. The bundler fills it in; for JSR, which gets sources, build/version.ts takes the place of this file. */

declare const __VERSION__: string;

export const VERSION: string = __VERSION__;
