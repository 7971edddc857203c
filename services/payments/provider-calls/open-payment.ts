/** Worker: opens a payment at its provider, in one try. The payment decides about further tries. */
import type { Message } from "../../../broker/contract/envelope.ts";
import type { WorkerTools } from "../../../broker/moleculer/handlers.ts";
import { foundByOf } from "../providers/find-by.ts";
import { callProvider, failureData, type ProviderCaller } from "./call-provider.ts";

/**
 * The idempotency key is the payment's id. So a repetition finds what an earlier run has opened, although its answer
 * was lost.
 * @param waits whether payments are opened in batches, each when its timer fires
 */
export async function openPayment(
  caller: ProviderCaller,
  { type, subject: paymentId, data }: Message<"payment.request" | "provider.open">,
  { answer }: WorkerTools,
  waits: boolean,
): Promise<void> {
  if (waits && type === "payment.request") return;
  const { orderId, orderNumber, customerId, amount, payment } = data;
  const module = caller.providers.modules.find((it) => it.name === payment.provider);
  const foundBy = module && foundByOf(module, payment.options ?? {});
  const known = foundBy && { foundBy };
  if (!caller.providers.names.includes(payment.provider))
    return answer("payment.refused", paymentId, { reason: `${payment.provider} is not available here` });
  const opened = await callProvider(caller, payment.provider, "open", paymentId, (provider, signal) =>
    provider.createPayment(
      {
        paymentId,
        orderId,
        orderNumber,
        customerId,
        email: data.email ?? null,
        amount,
        expiresAt: new Date(data.expiresAt),
        options: payment.options ?? {},
        returnUrl: payment.returnUrl ?? null,
      },
      signal,
    ),
  );
  if (opened.kind === "refused")
    return answer("payment.refused", paymentId, { reason: opened.reason, ...known });
  if (opened.kind !== "done")
    return answer("payment.open_failed", paymentId, { ...failureData(opened), ...known });
  const { providerRef, nextAction, expiresAt } = opened.value;
  await answer("payment.opened", paymentId, {
    providerRef,
    nextAction,
    expiresAt: expiresAt?.toISOString() ?? null,
    ...known,
  });
}
