/** `npm run new -- service|provider|migration NAME`: a folder that passes the tests, to begin with. */
import { InvalidArgumentError, Option } from "@commander-js/extra-typings";
import { serviceNames } from "../../broker/moleculer/extension.ts";
import core from "../../services/index.ts";
import { commandOf, subcommand } from "../support/command.ts";
import { makeMigration, makeProvider, makeService } from "../support/new/make.ts";
import { kebabName } from "../support/new/names.ts";

/** Prints what was made and what comes next; a fault ends with 1 and one line. */
function report(make: () => string[], next: string): void {
  try {
    for (const file of make()) console.log(file);
    console.log(`\n${next}`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}

const matching = (pattern: RegExp, example: string) => (text: string) => {
  if (pattern.test(text)) return text;
  throw new InvalidArgumentError(`It must be a name such as ${example}.`);
};
const ofMigrations = serviceNames(core).filter((it) => it !== "api");

await commandOf(
  "new",
  "Makes a service, a payment provider or a migration that passes the tests, to begin with.",
  [
    subcommand("service", "makes services/<name>: contract, routes, an event, service, migration, spec")
      .argument("<name>", "such as gift-cards", kebabName)
      .action((names) =>
        report(
          () => makeService(names),
          `Now: npm run docs && npm run mocha -- services/${names.name}/test/${names.name}.spec.ts`,
        ),
      ),
    subcommand(
      "provider",
      "makes a payment provider: adapter, webhook, variables, emulator, conformance spec",
    )
      .argument("<name>", "such as pay-later", kebabName)
      .action((names) =>
        report(
          () => makeProvider(names),
          `Now: npm run docs && npm run mocha -- "services/payments/providers/${names.name}/test/*.spec.ts"`,
        ),
      ),
    subcommand(
      "migration",
      "makes the next migration of a service: an index, to be replaced by what is wanted",
    )
      .argument("<name>", "such as customer-index", kebabName)
      .addOption(
        new Option("--service <service>", "whose database changes")
          .choices(ofMigrations)
          .makeOptionMandatory(),
      )
      .requiredOption("--collection <name>", "of the index", matching(/^[a-z][a-z0-9_]*$/, "orders"))
      .option("--key <field>", "of the index", matching(/^[A-Za-z_][\w.]*$/, "state.status"), "createdAt")
      .action((names, options) => report(() => makeMigration(names, options), "Now: npm run migrate -- up")),
  ],
).parseAsync();
