/**
 * Workers that act at a provider for an open payment, and report the result. Each call has a key that makes a
 * repetition harmless, and is one try. After a failure, the payment decides about further tries. A definite refusal
 * is an answer.
 */
import type { z } from "zod";
import type { Message } from "../../../broker/contract/envelope.ts";
import { derivedId } from "../../../broker/contract/ids.ts";
import type { WorkerTools } from "../../../broker/moleculer/handlers.ts";
import type { AnomalyKind } from "../payment/anomaly.ts";
import { impliesCapture } from "../payment/provider-report.ts";
import type { providerCommand } from "../payments.contract.ts";
import type { StatusReport } from "../providers/provider.ts";
import { callProvider, type FailedCall, failureData, type ProviderCaller } from "./call-provider.ts";
import type { CallOutcome } from "./outcome.ts";

type AtProvider = Message<"provider.check" | "provider.capture" | "provider.cancel" | "provider.refund">;

/** Asks for a payment's state. Its timer asks again, so a failure is repeated only where it is urgent. */
export async function checkAtProvider(
  caller: ProviderCaller,
  message: Message<"provider.check">,
  tools: WorkerTools,
): Promise<void> {
  const { receipt, disputed, settles, urgent } = message.data;
  const asked = await ask(caller, message);
  if (asked.kind === "done")
    return report(caller, message, tools, asked.value, { receipt, disputed, settles });
  if (asked.kind === "refused") return;
  if (urgent)
    return commandFailed(caller, message, tools, asked, { task: "check", receipt, disputed, settles });
  if (asked.kind === "misconfigured") await tell(caller, message, tools, "provider_misconfigured");
}

/** Captures what the customer has agreed to. Where the provider refuses, its report of the payment counts. */
export async function captureAtProvider(
  caller: ProviderCaller,
  message: Message<"provider.capture">,
  tools: WorkerTools,
): Promise<void> {
  const { subject: paymentId, data } = message;
  const { providerRef, amount } = data;
  const idempotencyKey = derivedId(paymentId, "capture");
  const taken = await callProvider(caller, data.provider, "capture", paymentId, (provider, signal) =>
    provider.capture({ providerRef, amount, idempotencyKey }, signal),
  );
  if (taken.kind === "done") return report(caller, message, tools, taken.value);
  if (taken.kind !== "refused") return commandFailed(caller, message, tools, taken, { task: "capture" });
  const now = await ask(caller, message);
  if (now.kind === "refused") return tell(caller, message, tools, "provider_refused");
  if (now.kind !== "done") return commandFailed(caller, message, tools, now, { task: "capture" });
  const stillOpen = now.value.status === "authorized" || now.value.status === "pending";
  await report(
    caller,
    message,
    tools,
    stillOpen ? { ...now.value, status: "failed", reason: taken.reason } : now.value,
  );
}

/**
 * Cancels a payment. A refusal usually means that it was paid. Then its report is requested, and the capture is
 * refunded. The payment's next checks find what the provider is still processing.
 */
export async function cancelAtProvider(
  caller: ProviderCaller,
  message: Message<"provider.cancel">,
  tools: WorkerTools,
): Promise<void> {
  const { subject: paymentId, data } = message;
  const closed = await callProvider(caller, data.provider, "cancel", paymentId, (provider, signal) =>
    provider.cancel(data.providerRef, signal),
  );
  if (closed.kind === "done") return;
  const now = closed.kind === "refused" ? await ask(caller, message) : closed;
  if (now.kind === "refused") return tell(caller, message, tools, "provider_refused");
  if (now.kind === "done") return report(caller, message, tools, now.value);
  return commandFailed(caller, message, tools, now, { task: "cancel" });
}

export async function refundAtProvider(
  caller: ProviderCaller,
  message: Message<"provider.refund">,
  tools: WorkerTools,
): Promise<void> {
  const { subject: paymentId, data } = message;
  const { providerRef, receipt, refundId, amount, reason } = data;
  const back = await callProvider(caller, data.provider, "refund", paymentId, (provider, signal) =>
    provider.refund({ providerRef, receipt, amount, reason, idempotencyKey: refundId }, signal),
  );
  const { answer } = tools;
  if (back.kind === "refused")
    return answer("provider.refund_failed", paymentId, { refundId, reason: back.reason });
  if (back.kind !== "done") return commandFailed(caller, message, tools, back, { task: "refund", refundId });
  const { status, refundRef, reason: why } = back.value;
  switch (status) {
    case "succeeded":
      return answer("provider.refunded", paymentId, { refundId, refundRef });
    case "pending":
      return answer("provider.refund_pending", paymentId, { refundId, refundRef });
    case "failed":
      return answer("provider.refund_failed", paymentId, {
        refundId,
        refundRef,
        reason: why ?? "the provider gave no reason",
      });
  }
}

const ask = (
  caller: ProviderCaller,
  { subject: paymentId, data }: AtProvider,
): Promise<CallOutcome<StatusReport>> =>
  callProvider(caller, data.provider, "check", paymentId, (provider, signal) =>
    provider.fetchStatus(data.providerRef, signal),
  );

interface Hints {
  /** Used where the provider's answer has none. */
  receipt: string | null;
  /** Used where we may not ask the provider about disputes. */
  disputed: boolean;
  settles: boolean;
}

function report(
  { providers }: ProviderCaller,
  { id, subject, data }: AtProvider,
  { answer }: WorkerTools,
  { status, amount, asked, fee, receipt, reason, refunds, disputesUnseen }: StatusReport,
  hints: Hints = { receipt: null, disputed: false, settles: false },
): Promise<void> {
  const disputed = disputesUnseen && hints.disputed && impliesCapture(status);
  return answer("payment.report", subject, {
    provider: data.provider,
    eventId: `asked:${id}`,
    providerRef: data.providerRef,
    status: disputed ? "disputed" : status,
    amount,
    asked: asked ?? null,
    fee: fee ?? null,
    receipt: receipt ?? hints.receipt,
    reason,
    refunds: [...refunds],
    settles: hints.settles,
    ...(status === "processing" && { processingMs: providers.find(data.provider)?.processingMs }),
  });
}

async function commandFailed(
  caller: ProviderCaller,
  message: AtProvider,
  tools: WorkerTools,
  outcome: FailedCall,
  of: z.output<typeof providerCommand>,
): Promise<void> {
  const { subject, data } = message;
  if (outcome.kind === "misconfigured") await tell(caller, message, tools, "provider_misconfigured");
  const { provider, providerRef, failures } = data;
  await tools.answer("provider.command_failed", subject, {
    provider,
    providerRef,
    command: of,
    ...failureData(outcome),
    failures: failures + 1,
  });
}

/** Reports it to staff, once per payment. */
const tell = (
  { clock }: ProviderCaller,
  { subject: paymentId, data }: AtProvider,
  { answer }: WorkerTools,
  kind: AnomalyKind,
): Promise<void> =>
  answer("payment.anomaly", paymentId, {
    id: derivedId("anomaly", paymentId, kind),
    paymentId,
    orderId: null,
    provider: data.provider,
    providerRef: data.providerRef,
    kind,
    expected: null,
    reported: null,
    at: new Date(clock.now()).toISOString(),
  });
