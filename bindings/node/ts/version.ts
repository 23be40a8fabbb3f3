/** The version of this package; `scripts/build.mjs` refuses to build when package.json says another. */
export const VERSION = "0.1.0";
