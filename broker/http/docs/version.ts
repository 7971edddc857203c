import { createRequire } from "node:module";

/** The version of Souk. It is found by the package's own name, so it is the same in `dist/`. */
export const { version } = createRequire(import.meta.url)("souk/package.json") as { version: string };
