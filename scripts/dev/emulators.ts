/** `npm run emulators [-- --shop URL --port N --speed N]`: payment providers on this machine, without accounts or money. */
import { systemClock } from "../../broker/resilience/clock.ts";
import { coreProviders } from "../../services/payments/providers/create-providers.ts";
import type { Emulator } from "../../services/payments/providers/emulator.ts";
import { command, httpAddress, positiveNumber, wholeNumber } from "../support/command.ts";
import { stopOnSignal } from "../support/node/run-node.ts";

const { shop, port, speed } = command(
  "emulators",
  "Runs emulators of payment providers, without accounts or money.",
)
  .option("--shop <url>", "where the shop takes webhooks", httpAddress, "http://127.0.0.1:3000")
  .option(
    "--port <n>",
    "of the first emulator; the others follow; 0 picks free ones",
    wholeNumber(0, 65_000),
    4_100,
  )
  .option("--speed <n>", "how much faster than the provider webhooks are repeated", positiveNumber, 60)
  .parse()
  .opts();
const print = (line = "") => process.stdout.write(`${line}\n`);

if (process.env.NODE_ENV === "production") {
  console.error("NODE_ENV: must not be production, because an emulator decides what is paid");
  process.exit(1);
}
const running: Emulator[] = [];
stopOnSignal(async () => {
  await Promise.all(running.map((it) => it.close()));
}, 5_000);

const emulated = coreProviders.flatMap(({ name, emulator }) => (emulator ? [{ name, emulator }] : []));
for (const [index, { name, emulator }] of emulated.entries())
  try {
    const start = await emulator();
    running.push(
      await start({
        port: port === 0 ? 0 : port + index,
        webhookUrl: () => `${shop}/api/v1/payments/webhooks/${name}`,
        timeScale: speed,
        clock: systemClock,
        random: Math.random,
      }),
    );
  } catch (error) {
    const taken = (error as NodeJS.ErrnoException).code === "EADDRINUSE";
    console.error(
      taken
        ? `The emulator of ${name} can't start: port ${port + index} is taken; --port chooses others`
        : error,
    );
    process.exit(1);
  }

print("Emulators of payment providers. No money moves here.");
for (const { name, url } of running) print(`  ${name.padEnd(10)}${url}`);
print();
print("Set these variables where the shop is started:");
for (const { environment } of running)
  for (const [name, value] of Object.entries(environment)) print(`export ${name}='${value}'`);
print();
const [first] = running;
print("A customer pays, and webhooks go astray:");
print(`  curl -X POST ${first?.url}/_sim/pay/<the payment's reference> -d '{"outcome":"succeed"}'`);
print(`  curl ${first?.url}/_sim/records`);
print(`  curl -X PATCH ${first?.url}/_sim/knobs -d '{"webhooks":{"duplicate":0.5,"drop":0.1}}'`);
print(`  curl -X PATCH ${first?.url}/_sim/knobs -d '{"autopay":{"outcome":"succeed","afterMs":1000}}'`);
print();
print(`Webhooks go to ${shop}. Ctrl-C stops.`);
