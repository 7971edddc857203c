// Runs before each script, on any Node: says clearly when it is too old, and caches compiled code for quick starts.
import module from "node:module";

const [major] = process.versions.node.split(".").map(Number);
if (major < 24) {
  console.error(
    `Souk needs Node.js 24 or newer; this is ${process.version}. After npm ci on Linux the npm scripts bring their own (npm start, npm test).`,
  );
  process.exit(1);
}
module.enableCompileCache?.();
