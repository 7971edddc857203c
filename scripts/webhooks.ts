/** `npm run souk -- webhooks listen`: forwards a shop's events to a local address, for who writes a receiver. */
import { randomBytes } from "node:crypto";
import { InvalidArgumentError } from "@commander-js/extra-typings";
import { commandOf, subcommand } from "./support/command.ts";
import { followEvents, RefusedError } from "./support/webhooks/follow-events.ts";
import { forwardEvent, isEvent } from "./support/webhooks/forward-event.ts";

interface ListenOptions {
  url: string;
  forward?: string | undefined;
  types?: string | undefined;
  secret?: Buffer | undefined;
}

function httpAddress(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text;
  throw new InvalidArgumentError("It must be an address like http://localhost:4242/hook.");
}

function secretKey(text: string): Buffer {
  const [, encoded] = /^whsec_([A-Za-z0-9+/]{32,88}={0,2})$/.exec(text) ?? [];
  if (encoded !== undefined) return Buffer.from(encoded, "base64");
  throw new InvalidArgumentError("It must be whsec_ and a key in base64.");
}

async function listen({ url, forward, types, secret: key = randomBytes(32) }: ListenOptions): Promise<void> {
  const token = process.env.SOUK_TOKEN;
  if (!token) {
    console.error("SOUK_TOKEN: must be an access token or an API key of staff with webhooks:read");
    process.exitCode = 1;
    return;
  }
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
  if (forward !== undefined) console.log(`secret of the signatures: whsec_${key.toString("base64")}`);
  try {
    await followEvents({
      url,
      token,
      types,
      signal: stop.signal,
      onOpen: () => console.log(`listening to ${url}`),
      onLost: (reason) => console.error(`connection lost (${reason}), trying again`),
      async onEvent(event) {
        if (!isEvent(event)) return;
        const status = forward === undefined ? "" : `  ${await forwardEvent(event, forward, key)}`;
        console.log(`${new Date().toISOString()}  ${event.type}  ${event.subject}${status}`);
      },
    });
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}

await commandOf("webhooks", "Tools for receivers of webhooks.", [
  subcommand(
    "listen",
    "Prints a shop's events, and forwards them to a local address. SOUK_TOKEN is the token.",
  )
    .option("--url <address>", "where the shop is", httpAddress, "http://127.0.0.1:3000")
    .option("--forward <address>", "where each event is posted, signed", httpAddress)
    .option("--types <types>", "only these types, separated by commas, for example order.*")
    .option("--secret <secret>", "of the signatures, whsec_…; a new one is printed unless given", secretKey)
    .action((options) => listen(options)),
]).parseAsync();
