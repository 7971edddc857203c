/**
 * The surroundings of the shop in a crash matrix: two emulated providers, and a webhook receiver that replaces the
 * gateway.
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../../../../../broker/resilience/clock.ts";
import type { Emulator, StartEmulator } from "../../../../../services/payments/providers/emulator.ts";
import { startStripe } from "../../../../../services/payments/providers/stripe/emulator/stripe.ts";
import { startXendit } from "../../../../../services/payments/providers/xendit/emulator/xendit.ts";
import type { MatrixRun } from "../../../../../souk/testing/matrix/matrix-run.ts";
import {
  openWebhookFront,
  type Received,
  type WebhookFront,
} from "../../../../support/providers/webhook-front.ts";
import { seededRandom } from "../../../../support/seeded-random.ts";

/** Time to pay, in the shop's own time. Shorter than the validity of a webhook's signature. */
export const ORDER_TTL_MS = 120_000;

/** For a provider that is silent, however slow the machine is. */
const STUCK_MS = 60_000;

/** One whose webhooks prove nothing, so that it is asked; one whose money is taken when the customer has agreed. */
const EMULATORS: Record<string, StartEmulator> = { xendit: startXendit, stripe: startStripe };

export interface ShopWorld {
  readonly environment: Readonly<Record<string, string>>;
  readonly front: WebhookFront;
  /** Beside the sandbox, which is in the shop. */
  readonly emulators: ReadonlyMap<string, Emulator>;
  close(): Promise<void>;
}

export type ShopRun = MatrixRun<ShopWorld>;

export async function shopWorld({ clock, seed }: { clock: Clock; seed: number }): Promise<ShopWorld> {
  const front = await openWebhookFront();
  const emulators = new Map<string, Emulator>();
  for (const [name, start] of Object.entries(EMULATORS))
    emulators.set(
      name,
      await start({
        port: 0,
        webhookUrl: () => `${front.url}/api/v1/payments/webhooks/${name}`,
        timeScale: 1,
        clock,
        random: seededRandom(seed).next,
      }),
    );
  return {
    environment: {
      ORDER_TTL: `${ORDER_TTL_MS / 1_000}s`,
      // The script decides when the provider reports. Asking it would change the story.
      RECONCILE_FIRST: "365d",
      RECONCILE_MAX: "365d",
      PUBLIC_URL: front.url,
      SANDBOX_WEBHOOK_SECRET: "a secret of the sandbox, long enough",
      ...Object.assign({}, ...[...emulators.values()].map((it) => it.environment)),
      STRIPE_CAPTURE: "manual",
    },
    front,
    emulators,
    async close() {
      await Promise.all([...emulators.values()].map((it) => it.close()));
      await front.close();
    },
  };
}

/**
 * Waits for the provider's first report of each of these payments, and keeps it: passing it on is the caller's.
 * @param type that the report names; default: any
 */
export async function reports(run: ShopRun, refs: readonly string[], type = ""): Promise<Received[]> {
  const deadline = Date.now() + STUCK_MS;
  for (;;) {
    // A new node's sandbox may repeat a report of the crashed one.
    const found = refs.map((ref) =>
      run.world.front.received.find((it) => {
        const body = Buffer.from(it.body, "base64");
        return body.includes(ref) && body.includes(type);
      }),
    );
    if (found.every((it) => it !== undefined)) return found;
    if (Date.now() > deadline) throw new Error("a provider does not report");
    await run.alive();
    await sleep(2);
  }
}
