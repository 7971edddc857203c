/** Midtrans' two APIs: Snap opens pages, and the Core API has their transactions. */
import { z } from "zod";
import { ProviderMisconfigured, ProviderRefused, providerFailed } from "../provider.ts";
import { basicAuth, checkStatus, createHttp, expected, type HttpAnswer, segment } from "../support/http.ts";
import { type Transaction, transaction } from "./transaction.ts";

export interface MidtransApi {
  /**
   * @returns "used" where this order id was used before
   * @throws {ProviderRefused} for a refused request
   */
  open(
    body: object,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<Opened | "used">;
  /** Null until the customer has chosen a method. */
  status(ref: string, signal: AbortSignal): Promise<Transaction | null>;
  /** Changes a transaction. @returns the code in the body; the caller handles codes from 400 on */
  act(path: string, body: object | undefined, signal: AbortSignal): Promise<ActionResult>;
}

export interface Opened {
  readonly token: string;
  readonly redirectUrl: string;
}

export interface ActionResult {
  readonly code: number;
  readonly message: string;
}

const opened = z.object({ token: z.string().min(1).max(200), redirect_url: z.url() });
/** Midtrans has no code for an order id that was used before. It has several sentences, some in Indonesian. */
function isUsedUp(message: string): boolean {
  const about = message.search(/order_?id/i);
  return about >= 0 && /used|taken|utilized|digunakan|duplicate/i.test(message.slice(about));
}

const mistakes = z.object({ error_messages: z.array(z.string()).min(1) });
/** Almost every answer of the Core API is a 200 with the real code inside. */
const outcome = z.object({
  status_code: z.string().regex(/^\d{3}$/),
  status_message: z.string().optional(),
});

export function createMidtransApi(settings: {
  serverKey: string;
  snapBase: string;
  apiBase: string;
}): MidtransApi {
  const authorization = basicAuth(settings.serverKey, "");
  const snap = createHttp("midtrans", settings.snapBase);
  const core = createHttp("midtrans", settings.apiBase);

  async function ask(
    method: "GET" | "POST",
    path: string,
    body: object | undefined,
    signal: AbortSignal,
  ): Promise<{ answer: HttpAnswer; code: number; message: string }> {
    const answer = await core.request({ method, path, headers: { authorization }, body, signal });
    checkStatus("midtrans", answer);
    const { status_code, status_message = "" } = expected("midtrans", outcome, answer);
    const code = Number(status_code);
    checkStatus("midtrans", { status: code, json: undefined }, status_message);
    return { answer, code, message: status_message };
  }

  return {
    async open(body, headers, signal) {
      const answer = await snap.request({
        method: "POST",
        path: "/snap/v1/transactions",
        headers: { ...headers, authorization },
        body,
        signal,
      });
      checkStatus("midtrans", answer);
      if (answer.status < 400) {
        const { token, redirect_url } = expected("midtrans", opened, answer);
        return { token, redirectUrl: redirect_url };
      }
      // The first request with this key is still running.
      if (answer.status === 409) throw providerFailed("midtrans still works on an earlier request");
      const { error_messages } = expected("midtrans", mistakes, answer);
      if (error_messages.some(isUsedUp)) return "used";
      throw new ProviderRefused(`midtrans: ${error_messages.join("; ").slice(0, 200)}`);
    },

    async status(ref, signal) {
      const { answer, code, message } = await ask("GET", `/v2/${segment(ref)}/status`, undefined, signal);
      if (code === 404) return null;
      // 407 is the code of an expired transaction.
      if (code >= 400 && code !== 407)
        throw new ProviderMisconfigured(`midtrans answered ${code}: ${message.slice(0, 200)}`);
      return expected("midtrans", transaction, answer);
    },

    async act(path, body, signal) {
      const { code, message } = await ask("POST", path, body, signal);
      return { code, message };
    },
  };
}
