#!/usr/bin/env node
/** `souk COMMAND …` of the installed package, and `npm run souk -- COMMAND …`: the commands of scripts/ for running a shop. */

// As a URL, so that the Node.js version is checked before anything that may need a newer one.
await import(new URL("./support/preload.mjs", import.meta.url).href);
const { called, commandOf, subcommand } = await import("./support/command.ts");

interface Listed {
  does: string;
  run(): Promise<unknown>;
}

const commands: Readonly<Record<string, Listed>> = {
  start: { does: "runs the whole shop in this process", run: () => import("./start.ts") },
  node: { does: "runs some services of a shop in this process", run: () => import("./node.ts") },
  migrate: { does: "migrates the services' databases", run: () => import("./migrate.ts") },
  seed: { does: "fills the catalogue with articles to try", run: () => import("./seed.ts") },
  dlq: { does: "shows dead letters, and sends them again", run: () => import("./dlq.ts") },
  shop: { does: "tells which shop the databases and messages are of", run: () => import("./shop.ts") },
  audit: { does: "checks the log of all messages", run: () => import("./audit.ts") },
  order: { does: "rebuilds an order from the log of all messages", run: () => import("./order.ts") },
  reports: { does: "counts the reports anew", run: () => import("./reports.ts") },
  rebuild: { does: "derives data anew from what it was derived from", run: () => import("./rebuild.ts") },
  keys: { does: "shows and replaces the keys that sign access tokens", run: () => import("./keys.ts") },
  topology: { does: "checks the queues on RabbitMQ", run: () => import("./topology.ts") },
  webhooks: {
    does: "prints a shop's events, and forwards them to a local address",
    run: () => import("./webhooks.ts"),
  },
  repl: { does: "opens Moleculer's REPL, joined to the cluster", run: () => import("./repl.ts") },
};

// The package has it compiled.
const isInstalled = import.meta.url.endsWith(".js");
const itself = isInstalled ? "souk" : "npm run souk --";

const [, , name = ""] = process.argv;
const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
if (command) {
  process.argv.splice(2, 1);
  called.as = (it) => `${itself} ${it}`;
  await command.run();
} else {
  called.as = () => itself;
  const listed = Object.entries(commands).map(([it, { does }]) => subcommand(it, does));
  commandOf("souk", "Runs a shop and looks after it.", listed).parse();
}
