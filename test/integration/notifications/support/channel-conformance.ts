/** What each adapter of the port `Channel` must do, run on a receiver that can fail in each of these ways. */
import assert from "node:assert/strict";
import type { Letter } from "../../../../services/notifications/letters/letter.ts";
import type { NotificationState } from "../../../../services/notifications/notification/state.ts";
import { type Channel, type Outgoing, Refused } from "../../../../services/notifications/sending/channel.ts";

/**
 * `refuse`: for good. `later`: a temporary refusal. `ours`: our login or sender is refused. `fail`: an error of the
 * receiver. `hang`: no answer. `close`: the connection ends before anything is taken. `loseAnswer`: taken, then the
 * connection ends. `flood`: an answer without an end. `away`: nobody listens.
 */
export type Fault = "refuse" | "later" | "ours" | "fail" | "hang" | "close" | "loseAnswer" | "flood" | "away";

export interface ChannelWorld {
  readonly channel: Channel;
  /** Makes all further requests end so, until it is healed. */
  fail(fault: Fault): unknown;
  heal(): unknown;
  /** What a receiver that drops repeats has, by what it tells repeats by. */
  received(): string[] | Promise<string[]>;
  /** What nothing that is logged may contain. */
  readonly secrets: readonly string[];
  /** Characters of the longest text that may leave; none where the channel has no limit. */
  readonly longest?: { readonly limit: number; text(): string };
  close(): unknown;
}

/** An attempt never takes longer, whatever the receiver does. */
const IN_TIME_MS = 3_000;

export const letter = (changes: Partial<Letter> = {}): Letter => ({
  locale: "en",
  direction: "ltr",
  shop: "Souk",
  subject: "Your order 251003-7K2QF-M9DXA is on its way",
  title: "Your order is on its way",
  short: "Souk: your order 251003-7K2QF-M9DXA is on its way.",
  url: "https://shop.example/orders/1",
  blocks: [{ type: "text", text: "It is on its way." }],
  footer: "Souk",
  ...changes,
});

export const userId = "01941b10-0a11-7c20-8d31-5f2e9b7c4a10";

/** All attempts are of one notification. */
const CREATED_AT = new Date().toISOString();

export function outgoing(attempts = 0, changes: Partial<Outgoing> = {}): Outgoing {
  const state: NotificationState = {
    kind: "order_shipped",
    channel: "email",
    recipient: { userId, email: null, name: null },
    about: { orderNumber: "251003-7K2QF-M9DXA" },
    resendOf: null,
    status: attempts === 0 ? "queued" : "sending",
    orderId: null,
    to: null,
    attempts,
    nextAttemptAt: null,
    detail: null,
    sentAt: null,
    createdAt: CREATED_AT,
  };
  return {
    id: "01941b2e-5d00-7a11-8c42-5f2e9b7c4a10",
    state,
    addressee: { userId, email: "ann@example.com", name: "Ann", phone: "+12025550100" },
    letter: letter(),
    unsubscribeUrl: null,
    ...changes,
  };
}

/** All that could be logged of an error. */
function everythingOf(error: unknown): string {
  const parts: string[] = [];
  for (let it = error; it instanceof Error; it = it.cause) parts.push(it.message, it.stack ?? "");
  return parts.join("\n");
}

/** @param faults those that its receiver can have */
export function channelConformance(
  name: string,
  faults: readonly Fault[],
  open: () => Promise<ChannelWorld>,
): void {
  describe(`the channel ${name}`, () => {
    let world: ChannelWorld;
    beforeEach(async () => {
      world = await open();
    });
    afterEach(() => world.close());

    async function failing(): Promise<Error> {
      const before = Date.now();
      const error = await world.channel.send(outgoing()).then(
        (said) => assert.fail(`it was sent: ${said}`),
        (it: unknown) => it,
      );
      assert.ok(Date.now() - before < IN_TIME_MS, "it took too long");
      assert.ok(error instanceof Error);
      for (const secret of world.secrets)
        assert.ok(!everythingOf(error).includes(secret), `an error tells a secret: ${error.message}`);
      return error;
    }

    it("knows its addressee, and nobody without an address", async () => {
      assert.notEqual(await world.channel.addressOf(outgoing().addressee), null);
      const nobody = { userId: null, email: null, name: null, phone: null };
      assert.equal(await world.channel.addressOf(nobody), null);
    });

    it("sends it, and once only when the attempt is made again under the same id", async () => {
      const said = await world.channel.send(outgoing());
      assert.ok(said.length > 0);
      for (const secret of world.secrets) assert.ok(!said.includes(secret));
      await world.channel.send(outgoing(1));
      assert.equal((await world.received()).length, 1);
    });

    it("sends what is hostile or far too long within its limits", async () => {
      const hostile = `\r\nTo: x\u0000{{x}}\ud800<b>&From=%2B1${"🙂".repeat(5_000)}`;
      const long = letter({ short: hostile, title: hostile, subject: hostile, shop: hostile, url: null });
      await world.channel.send(outgoing(0, { letter: long }));
      assert.equal((await world.received()).length, 1);
      if (world.longest) assert.ok(world.longest.text().length <= world.longest.limit);
    });

    for (const fault of faults)
      if (fault === "refuse")
        it("gives up what is refused for good", async () => {
          await world.fail(fault);
          assert.ok((await failing()) instanceof Refused);
          assert.deepEqual(await world.received(), []);
        });
      else
        it(`may be asked again after the fault "${fault}", and then it has arrived once`, async () => {
          await world.fail(fault);
          assert.ok(!((await failing()) instanceof Refused));
          await world.heal();
          await world.channel.send(outgoing(1));
          await world.channel.send(outgoing(2));
          assert.equal((await world.received()).length, 1);
        });
  });
}
