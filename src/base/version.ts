/**
 * The version of the package. The bundler fills it in; for JSR, which gets sources, build/version.ts takes the
 * place of this file.
 */

declare const __VERSION__: string;

/** Version of the package, such as "0.1.0". */
export const VERSION: string = __VERSION__;
