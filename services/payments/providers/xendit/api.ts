/** Xendit's invoices and refunds. */
import { z } from "zod";
import { ProviderRefused, providerFailed } from "../provider.ts";
import {
  basicAuth,
  checkStatus,
  createHttp,
  expected,
  type HttpAnswer,
  type HttpRequest,
  segment,
} from "../support/http.ts";

const id = z.string().min(1).max(100);
const currency = z.string().regex(/^[A-Z]{3}$/);
/** In major units. */
const amount = z.number().nonnegative();

export const invoice = z.object({
  id,
  external_id: z.string().max(200),
  status: z.string().max(30),
  amount,
  /** Only on a paid one, and not guaranteed in every answer. */
  paid_amount: amount.optional(),
  currency: currency.default("IDR"),
  /** We ask for none, so these are Xendit's. What can't be read declares nothing. */
  fees: z
    .array(z.object({ value: amount }))
    .max(50)
    .nullish()
    .catch(undefined),
  payment_id: id.nullish(),
  invoice_url: z.url(),
  expiry_date: z.iso.datetime({ offset: true }),
});
export type Invoice = z.output<typeof invoice>;

export const refund = z.object({
  id,
  invoice_id: id.nullish(),
  /** The merchant's, here the refund's id. Xendit makes one for a refund from its dashboard. */
  reference_id: z.string().max(255).nullish(),
  amount,
  currency: currency.default("IDR"),
  status: z.string().max(30),
  failure_code: z.string().max(100).nullish(),
});
export type Refund = z.output<typeof refund>;

const refunds = z.object({ data: z.array(refund), has_more: z.boolean().optional() });
const mistake = z.object({ error_code: z.string(), message: z.string().optional() });

export interface XenditApi {
  /** @throws {ProviderRefused} */
  createInvoice(
    body: Readonly<{ external_id: string; [name: string]: unknown }>,
    signal: AbortSignal,
  ): Promise<Invoice>;
  /** The invoice of a payment. One that can still be paid comes first. Null without one. */
  findByExternalId(externalId: string, signal: AbortSignal): Promise<Invoice | null>;
  invoice(ref: string, signal: AbortSignal): Promise<Invoice | null>;
  /** Null where Xendit refuses it, for example for an invoice that has ended. */
  expireInvoice(ref: string, signal: AbortSignal): Promise<Invoice | null>;
  /** @throws {ProviderRefused} */
  createRefund(
    body: Readonly<{ reference_id: string; [name: string]: unknown }>,
    signal: AbortSignal,
  ): Promise<Refund>;
  /** All refunds of an invoice. */
  refunds(ref: string, signal: AbortSignal): Promise<Refund[]>;
}

/** More pages of refunds than an invoice can have. */
const MAX_PAGES = 20;

export function createXenditApi(secretKey: string, base: string): XenditApi {
  const authorization = basicAuth(secretKey, "");
  const http = createHttp("xendit", base);

  async function ask(request: Omit<HttpRequest, "signal">, signal: AbortSignal): Promise<HttpAnswer> {
    const answer = await http.request({
      ...request,
      headers: { ...request.headers, authorization },
      signal,
    });
    checkStatus("xendit", answer, told(answer));
    return answer;
  }
  const refused = (answer: HttpAnswer) => new ProviderRefused(`xendit: ${told(answer) || answer.status}`);

  return {
    async createInvoice(body, signal) {
      const headers = { "x-idempotency-key": body.external_id };
      const answer = await ask({ method: "POST", path: "/v2/invoices", headers, body }, signal);
      if (answer.status === 409) throw providerFailed("xendit still works on an earlier request");
      if (answer.status >= 400) throw refused(answer);
      return expected("xendit", invoice, answer);
    },

    async findByExternalId(externalId, signal) {
      const path = `/v2/invoices?external_id=${segment(externalId)}`;
      const answer = await ask({ method: "GET", path }, signal);
      if (answer.status === 404) return null;
      const found = expected("xendit", z.array(invoice), answer);
      return found.find((it) => it.status !== "EXPIRED") ?? found[0] ?? null;
    },

    async invoice(ref, signal) {
      const answer = await ask({ method: "GET", path: `/v2/invoices/${segment(ref)}` }, signal);
      return answer.status === 404 ? null : expected("xendit", invoice, answer);
    },

    async expireInvoice(ref, signal) {
      const answer = await ask({ method: "POST", path: `/invoices/${segment(ref)}/expire!` }, signal);
      return answer.status >= 400 ? null : expected("xendit", invoice, answer);
    },

    async createRefund(body, signal) {
      // Invoices and refunds name the same header differently.
      const headers = { "idempotency-key": body.reference_id };
      const answer = await ask({ method: "POST", path: "/refunds", headers, body }, signal);
      if (answer.status === 409) throw providerFailed("xendit still works on an earlier request");
      if (answer.status >= 400) throw refused(answer);
      return expected("xendit", refund, answer);
    },

    async refunds(ref, signal) {
      const all: Refund[] = [];
      for (let page = 0; page < MAX_PAGES; page++) {
        const last = all.at(-1);
        const after = last ? `&after_id=${segment(last.id)}` : "";
        const path = `/refunds?invoice_id=${segment(ref)}&limit=100${after}`;
        const answer = await ask({ method: "GET", path }, signal);
        const { data, has_more } = expected("xendit", refunds, answer);
        all.push(...data);
        if (!has_more || data.length === 0) return all;
      }
      throw providerFailed("xendit tells of more refunds than can be");
    },
  };
}

function told({ json }: HttpAnswer): string {
  const { data } = mistake.safeParse(json);
  return data ? `${data.error_code} ${data.message ?? ""}`.trim().slice(0, 200) : "";
}
