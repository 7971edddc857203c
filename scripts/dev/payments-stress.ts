/**
 * `npm run payments-stress`: makes many payments at each provider while webhooks are repeated, late, forged or lost.
 * Then checks the accounts.
 */
import { Option } from "@commander-js/extra-typings";
import { coreProviders } from "../../services/payments/providers/create-providers.ts";
import { command, wholeNumber } from "../support/command.ts";
import { runTool } from "../support/run-tool.ts";

const { payments, provider, seed } = command(
  "payments-stress",
  "Makes many payments at each provider while webhooks are repeated, late, forged or lost, then checks the accounts.",
)
  .option("--payments <n>", "by each provider", wholeNumber(1), 1_000)
  .addOption(new Option("--provider <name>", "only this one").choices(coreProviders.map((it) => it.name)))
  .option("--seed <n>", "of the random choice of faults", wholeNumber(1), 1)
  .parse()
  .opts();
process.exitCode = await runTool("mocha", ["test/integration/payments/stress.spec.ts"], {
  NODE_ENV: "test",
  PAYMENTS_STRESS: String(payments),
  PAYMENTS_STRESS_PROVIDER: provider ?? "",
  PAYMENTS_STRESS_SEED: String(seed),
});
