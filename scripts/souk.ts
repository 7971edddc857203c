#!/usr/bin/env node
/** `souk COMMAND …` of the installed package: the commands of scripts/ for running a shop. */

// As a URL, so that the Node.js version is checked before anything that may need a newer one.
await import(new URL("./support/preload.mjs", import.meta.url).href);
const { called } = await import("./support/command.ts");

const commands: Readonly<Record<string, () => Promise<unknown>>> = {
  start: () => import("./start.ts"),
  node: () => import("./node.ts"),
  migrate: () => import("./migrate.ts"),
  seed: () => import("./seed.ts"),
  dlq: () => import("./dlq.ts"),
  shop: () => import("./shop.ts"),
  audit: () => import("./audit.ts"),
  order: () => import("./order.ts"),
  reports: () => import("./reports.ts"),
  rebuild: () => import("./rebuild.ts"),
  keys: () => import("./keys.ts"),
  topology: () => import("./topology.ts"),
  webhooks: () => import("./webhooks.ts"),
  repl: () => import("./repl.ts"),
};

called.as = (command) => `souk ${command}`;
const [name = ""] = process.argv.splice(2, 1);
const run = Object.hasOwn(commands, name) ? commands[name] : undefined;
if (run) await run();
else {
  const asked = name === "--help" || name === "-h";
  (asked ? console.log : console.error)(`usage: souk ${Object.keys(commands).join("|")} [--help]`);
  process.exitCode = asked ? 0 : 2;
}
