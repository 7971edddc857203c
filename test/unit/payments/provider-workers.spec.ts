/** Workers at a provider: one try each, whatever it does; what follows is the payment's to decide. */
import assert from "node:assert/strict";
import type { DataIn } from "../../../broker/contract/contract.ts";
import { envelope, type Message } from "../../../broker/contract/envelope.ts";
import { newId } from "../../../broker/contract/ids.ts";
import "../../../services/contracts.ts";
import type { WorkerTools } from "../../../broker/moleculer/handlers.ts";
import { silentLog } from "../../../broker/resilience/silent-log.ts";
import type { ProviderCaller } from "../../../services/payments/provider-calls/call-provider.ts";
import { createBulkhead } from "../../../services/payments/provider-calls/provider-bulkhead.ts";
import {
  cancelAtProvider,
  captureAtProvider,
  checkAtProvider,
  refundAtProvider,
} from "../../../services/payments/provider-calls/provider-workers.ts";
import type { Providers } from "../../../services/payments/providers/create-providers.ts";
import {
  type PaymentProvider,
  ProviderMisconfigured,
  ProviderRefused,
  providerFailed,
  type StatusReport,
} from "../../../services/payments/providers/provider.ts";
import { standIn } from "../../support/stand-in.ts";

const nothing = () => undefined;
type Command = "provider.check" | "provider.capture" | "provider.cancel" | "provider.refund";

const paymentId = newId();
const refundId = newId();
const usd = { amount: 2_500, currency: "USD" };
const at = { provider: "acme", providerRef: "ref-1" };
const refusal = new ProviderRefused("it will not");
const captured: StatusReport = { status: "captured", amount: usd, receipt: "R-1", reason: null, refunds: [] };

/** What a worker answers where the provider throws this, in whichever call. */
async function answers<T extends Command>(
  work: (caller: ProviderCaller, message: Message<T>, tools: WorkerTools) => Promise<void>,
  type: T,
  data: DataIn<T>,
  provider: Partial<PaymentProvider> | null,
) {
  const told: [type: string, data: Record<string, unknown>][] = [];
  const caller: ProviderCaller = {
    providers: standIn<Providers>({ find: () => provider ?? undefined }),
    bulkhead: createBulkhead(),
    clock: Date,
    log: silentLog,
    metrics: { webhook: nothing, called: nothing, anomaly: nothing },
    timeoutMs: 50,
  };
  const message = standIn<Message<T>>(envelope(type, paymentId, data, { source: "/test", at: 0 }));
  const tools: WorkerTools = {
    async answer(kind, _, body) {
      told.push([kind, body as Record<string, unknown>]);
    },
  };
  await work(caller, message, tools);
  return told;
}
const fails = (error: Error) => () => Promise.reject(error);

describe("a worker at a provider", () => {
  const tasks = [
    {
      task: { task: "capture" },
      run: (by: Partial<PaymentProvider> | null) =>
        answers(captureAtProvider, "provider.capture", { ...at, amount: usd, failures: 2 }, by),
    },
    {
      task: { task: "cancel" },
      run: (by: Partial<PaymentProvider> | null) =>
        answers(cancelAtProvider, "provider.cancel", { ...at, failures: 2 }, by),
    },
    {
      task: { task: "refund", refundId },
      run: (by: Partial<PaymentProvider> | null) =>
        answers(
          refundAtProvider,
          "provider.refund",
          { ...at, refundId, amount: usd, reason: "x", failures: 2 },
          by,
        ),
    },
    {
      task: { task: "check", receipt: "R-1", disputed: true, settles: true },
      run: (by: Partial<PaymentProvider> | null) =>
        answers(
          checkAtProvider,
          "provider.check",
          { ...at, receipt: "R-1", disputed: true, settles: true, urgent: true, failures: 2 },
          by,
        ),
    },
  ] as const;
  const all = (call: () => Promise<never>): Partial<PaymentProvider> => ({
    name: "acme",
    capture: call,
    cancel: call,
    refund: call,
    fetchStatus: call,
  });

  for (const { task, run } of tasks)
    it(`answers that a ${task.task} is not settled, whatever keeps it`, async () => {
      const unsettled = (trouble: string, reason: string) => [
        "provider.command_failed",
        { ...at, command: task, trouble, reason, failures: 3 },
      ];
      assert.deepEqual(await run(all(fails(providerFailed("acme answered 503")))), [
        unsettled("unreachable", "acme answered 503"),
      ]);
      assert.deepEqual(await run(all(() => Promise.withResolvers<never>().promise)), [
        unsettled("unreachable", "acme did not answer in time"),
      ]);
      for (const [by, reason] of [
        [all(fails(new ProviderMisconfigured("bad key"))), "bad key"],
        [null, "acme is not configured"],
      ] as const) {
        const [told, answer] = await run(by);
        assert.deepEqual([told?.[0], told?.[1].kind], ["payment.anomaly", "provider_misconfigured"]);
        assert.deepEqual(answer, unsettled("misconfigured", reason));
      }
    });

  it("asks once a time only where the payment's timer asks again", async () => {
    assert.deepEqual(
      await answers(checkAtProvider, "provider.check", at, { fetchStatus: fails(providerFailed("503")) }),
      [],
    );
  });

  it("tells staff where a provider will neither do it nor say how the payment stands", async () => {
    for (const { task, run } of tasks.slice(0, 2)) {
      const told = await run(all(fails(refusal)));
      assert.deepEqual(
        told.map(([type, data]) => [type, data.kind]),
        [["payment.anomaly", "provider_refused"]],
        task.task,
      );
    }
  });

  it("reports what the provider says where it refuses, also that it still works on it", async () => {
    const waits: StatusReport = { ...captured, status: "pending", amount: null, receipt: null };
    const of = async (now: StatusReport) => {
      const by = { cancel: fails(refusal), fetchStatus: async () => now };
      const [told] = await answers(cancelAtProvider, "provider.cancel", at, by);
      return [told?.[0], told?.[1].status];
    };
    assert.deepEqual(await of(captured), ["payment.report", "captured"]);
    assert.deepEqual(await of(waits), ["payment.report", "pending"]);
  });

  it("takes a webhook's word for a dispute only where the provider does not let us look", async () => {
    const data = { ...at, receipt: "R-1", disputed: true, urgent: true };
    const of = async (now: StatusReport) => {
      const [told] = await answers(checkAtProvider, "provider.check", data, { fetchStatus: async () => now });
      return told?.[1].status;
    };
    assert.equal(await of(captured), "captured");
    assert.equal(await of({ ...captured, disputesUnseen: true }), "disputed");
    assert.equal(await of({ ...captured, status: "pending", disputesUnseen: true }), "pending");
  });

  it("says which refund has failed, where there was one", async () => {
    const data = { ...at, refundId, amount: usd, reason: "x" };
    const failed = { refundId, refundRef: "re-1", amount: usd, status: "failed", reason: "closed" } as const;
    assert.deepEqual(
      await answers(refundAtProvider, "provider.refund", data, { refund: async () => failed }),
      [["provider.refund_failed", { refundId, refundRef: "re-1", reason: "closed" }]],
    );
    assert.deepEqual(await answers(refundAtProvider, "provider.refund", data, { refund: fails(refusal) }), [
      ["provider.refund_failed", { refundId, reason: "it will not" }],
    ]);
  });
});
