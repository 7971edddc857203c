/** What is derived from the list of providers, and what another team's module gets. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { z } from "zod";
import { ConfigError } from "../../../broker/contract/variables.ts";
import { systemClock } from "../../../broker/resilience/clock.ts";
import { paymentIntent, providerContext } from "../../../test/support/providers/provider-fixture.ts";
import { offered as example } from "../payments.examples.ts";
import { coreProviders, createProviders } from "./create-providers.ts";
import { defineProvider } from "./define-provider.ts";
import { mpesa } from "./mpesa/mpesa.ts";
import { offeredProviders } from "./offered-providers.ts";
import { paypal } from "./paypal/paypal.ts";
import { type PaymentProvider, ProviderRefused } from "./provider.ts";
import { sandbox } from "./sandbox/sandbox.ts";
import { stripe } from "./stripe/stripe.ts";

const price = { amount: 100, currency: "USD" };
const never = () => assert.fail("nobody asks for it");
const { signal } = new AbortController();

/** A provider of points. Only its `createPayment` is called. */
interface Credit extends PaymentProvider {
  readonly opened: string[];
  readonly life: string[];
}
const credit = defineProvider({
  name: "credit",
  variables: z.object({ CREDIT_KEY: z.string().optional() }),
  secrets: ["CREDIT_KEY"],
  options: z.strictObject({ account: z.string("says whose points") }),
  create({ webhookUrl }, { CREDIT_KEY }): Credit | null {
    if (!CREDIT_KEY) return null;
    const opened: string[] = [];
    const life: string[] = [];
    return {
      name: "credit",
      opened,
      life,
      webhooksProve: true,
      async createPayment({ paymentId, options }) {
        opened.push(`${options.account} ${webhookUrl()} ${webhookUrl("key")}`);
        return { providerRef: paymentId, nextAction: null, expiresAt: null };
      },
      capture: never,
      cancel: never,
      refund: never,
      fetchStatus: never,
      verifyWebhook: never,
      start: () => void life.push("started"),
      stop: async () => void life.push("stopped"),
    };
  },
});

describe("the list of payment providers", () => {
  it("has one folder of each, with its specs and what tests of all need to know", () => {
    for (const { name } of coreProviders)
      for (const file of [`${name}.ts`, "test/shop.spec.ts", "test/traits.ts", "test/webhook-verifier.ts"])
        assert.ok(existsSync(`services/payments/providers/${name}/${file}`), `${name}/${file}`);
  });

  it("offers those that are on, with names for people, currencies, and options as JSON Schema", () => {
    const offered = offeredProviders({ open: [credit, sandbox, mpesa, paypal] });
    assert.deepEqual(
      offered.map(({ name, title, currencies }) => [name, title, currencies]),
      [
        ["credit", "credit", null],
        ["mpesa", "M-Pesa", ["KES"]],
        ["paypal", "PayPal", offered[2]?.currencies],
        ["sandbox", "Sandbox", null],
      ],
    );
    assert.ok(offered[2]?.currencies?.includes("EUR"));
    assert.deepEqual(offered[3]?.options, {
      $schema: "https://json-schema.org/draft/2020-12/schema",
      type: "object",
      properties: {},
      additionalProperties: false,
    });
    assert.deepEqual(offered[1], example);
    // A provider that is not configured is not offered.
    const context = providerContext({ CREDIT_KEY: "k" }, systemClock);
    assert.deepEqual(createProviders(context, [stripe, credit]).open, [credit]);
  });

  it("takes modules of others, by kind too, which start and stop with it", async () => {
    const context = providerContext({ CREDIT_KEY: "k", SANDBOX: "off" }, systemClock);
    const providers = createProviders(context, [stripe, credit]);
    assert.deepEqual(providers.names, ["credit"]);
    assert.equal(providers.find("stripe"), undefined);
    assert.equal(providers.of(stripe), null);
    const own: Credit | null = providers.of(credit);
    assert.equal(providers.find("credit"), own);
    await providers.start();
    await providers.stop();
    assert.deepEqual(own?.life, ["started", "stopped"]);
  });

  it("knows a module that is not in it as not configured", () => {
    const context = providerContext({ CREDIT_KEY: "k" }, systemClock);
    assert.equal(createProviders(context, []).of(credit), null);
  });

  it("refuses two of one name", () => {
    const context = providerContext({}, systemClock);
    assert.throws(() => createProviders(context, [credit, credit]), /two payment providers credit/);
  });
});

describe("a provider's module", () => {
  const context = providerContext({ CREDIT_KEY: "k" }, systemClock);
  const open = (options: Record<string, string>) => {
    const adapter = credit.create(context) ?? assert.fail();
    return { adapter, opened: adapter.createPayment(paymentIntent(systemClock, price, { options }), signal) };
  };

  it("is told where its webhooks come to, and what the customer chose", async () => {
    const { adapter, opened } = open({ account: "a" });
    await opened;
    const url = "https://shop.test/api/v1/payments/webhooks/credit";
    assert.deepEqual(adapter.opened, [`a ${url} ${url}/key`]);
  });

  it("is not asked with options that it does not declare", async () => {
    for (const [options, message] of [
      [{ account: "a", pin: "1" }, "options.pin: credit takes options.account only"],
      [{}, "options.account: says whose points"],
    ] as const) {
      const { adapter, opened } = open(options);
      await assert.rejects(opened, new ProviderRefused(message));
      assert.deepEqual(adapter.opened, []);
    }
  });

  it("of Souk's own has no error codes: a gateway, which documents them, does not load it", () => {
    assert.deepEqual(
      coreProviders.filter((it) => it.errors).map((it) => it.name),
      [],
    );
  });

  it("has a name and variables that can be told from others'", () => {
    const named = (name: string, variable: string) =>
      defineProvider({
        name,
        variables: z.object({ [variable]: z.string().optional() }),
        secrets: [],
        create: () => null,
      });
    for (const name of ["Credit", "1credit", "", "a".repeat(33), "a b"])
      assert.throws(() => named(name, "CREDIT_KEY"), /can't be a payment provider's name/);
    for (const variable of ["KEY", "CREDITS", "credit_key"])
      assert.throws(() => named("credit", variable), /a variable of credit must begin with CREDIT_/);
    assert.equal(named("my-credit", "MY_CREDIT_KEY").name, "my-credit");
    assert.equal(named("credit", "CREDIT").name, "credit");
  });

  it("takes a secret as a variable or as a file, and not as both", () => {
    const both = providerContext({ CREDIT_KEY: "k", CREDIT_KEY_FILE: "/nowhere" }, systemClock);
    assert.throws(() => credit.create(both), ConfigError);
    assert.equal(credit.create(providerContext({}, systemClock)), null);
  });
});
