/** The common parts of all emulators. The provider's own behaviour is in its folder. */
import { randomBytes } from "node:crypto";
import { type Emulator, type EmulatorOptions, type Knobs, noFaults, type Outcome } from "../../emulator.ts";
import { controlRoutes } from "./control.ts";
import { type Call, type HttpAppOptions, openHttpApp, type Routes } from "./http-app.ts";
import { createWebhookSender, type WebhookSender, type WebhookSenderOptions } from "./webhook-sender.ts";

export interface Behaviour {
  readonly name: string;
  /** The provider's API. */
  readonly routes: Routes;
  /** Control routes of this emulator, beginning with `/_sim/`. */
  readonly control?: Routes;
  errorAnswer: HttpAppOptions["errorAnswer"];
  /** @param url of the emulator, as in {@link Emulator.url} */
  environment(url: string): Readonly<Record<string, string>>;
  /** With `cause`, the customer pays while that request is still in progress. */
  pay(providerRef: string, outcome: Outcome, cause?: Call): Promise<void> | void;
  refundAtProvider(providerRef: string, amount: number): Promise<void> | void;
  dispute(providerRef: string): Promise<void> | void;
  records: Emulator["records"];
}

export interface Kit {
  readonly knobs: Knobs;
  readonly webhookSender: WebhookSender;
  /** Address of the emulator. Only once it listens. */
  url(): string;
  /** Unguessable letters and digits. */
  token(length: number): string;
  /** Call it when a payment was opened. The customer may pay automatically, see {@link Knobs.autopay}. */
  opened(providerRef: string, cause: Call): void;
  listen(behaviour: Behaviour): Promise<Emulator>;
}

const LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz123456789";

export function createKit(
  options: EmulatorOptions,
  webhooks: Pick<WebhookSenderOptions, "retry" | "timeoutMs">,
): Kit {
  const knobs = noFaults();
  const webhookSender = createWebhookSender({ knobs, options, ...webhooks });
  const timers = new Set<NodeJS.Timeout>();
  let listening: Emulator | undefined;
  let pay: Behaviour["pay"] | undefined;

  function autopay(ref: string, outcome: Outcome, cause?: Call): void {
    Promise.resolve()
      .then(() => pay?.(ref, outcome, cause))
      .catch((error: Error) => console.error(`emulator: ${ref} was not paid`, error));
  }

  return {
    knobs,
    webhookSender,
    url() {
      if (!listening) throw new Error("the emulator does not listen yet");
      return listening.url;
    },
    token: (length) => Array.from(randomBytes(length), (byte) => LETTERS[byte % LETTERS.length]).join(""),
    opened(ref, cause) {
      if (!knobs.autopay) return;
      const { outcome, afterMs } = knobs.autopay;
      if (knobs.webhooks.race && afterMs === 0) {
        cause.holdAnswer(Promise.resolve(pay?.(ref, outcome, cause)));
        return;
      }
      void cause.answered.then(() => {
        const timer = setTimeout(() => {
          timers.delete(timer);
          autopay(ref, outcome);
        }, afterMs);
        timers.add(timer);
      });
    },
    async listen({ name, routes, control = {}, errorAnswer, environment, ...behaviour }) {
      pay = behaviour.pay;
      const steered = {
        knobs,
        pay: async (ref: string, outcome: Outcome) => behaviour.pay(ref, outcome),
        refundAtProvider: async (ref: string, amount: number) => behaviour.refundAtProvider(ref, amount),
        dispute: async (ref: string) => behaviour.dispute(ref),
        records: behaviour.records,
      };
      const app = await openHttpApp({
        port: options.port,
        knobs,
        routes,
        control: { ...control, ...controlRoutes(steered) },
        errorAnswer,
      });
      listening = {
        ...steered,
        name,
        url: app.url,
        environment: environment(app.url),
        idle: webhookSender.idle,
        async close() {
          for (const timer of timers) clearTimeout(timer);
          webhookSender.close();
          await app.close();
        },
      };
      return listening;
    },
  };
}
