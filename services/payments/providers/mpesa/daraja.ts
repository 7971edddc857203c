/** Safaricom's Daraja: push, query, reversal. */
import { z } from "zod";
import type { Clock } from "../../../../broker/resilience/clock.ts";
import { ProviderMisconfigured, ProviderRefused, providerFailed } from "../provider.ts";
import { createHttp, expected, type HttpAnswer, neverSent } from "../support/http.ts";
import { createAccessToken } from "./access-token.ts";
import { timestamp } from "./time.ts";

export interface DarajaSettings {
  base: string;
  consumerKey: string;
  consumerSecret: string;
  shortcode: string;
  passkey: string;
  transactionType: "CustomerPayBillOnline" | "CustomerBuyGoodsOnline";
  /** Who is paid: the short code itself or a till. */
  till: string;
}

export interface Initiator {
  readonly name: string;
  readonly securityCredential: string;
}

export type QueryResult = "pending" | { readonly code: string; readonly description: string };

/** A request that was certainly not carried out: refused with Daraja's own text, or never sent. */
export class NotExecuted extends Error {
  override readonly name = "NotExecuted";
  /** The error that the port's methods throw for it. */
  readonly meaning: Error;

  constructor(meaning: Error) {
    super(meaning.message, { cause: meaning });
    this.meaning = meaning;
  }
}

export interface Daraja {
  /**
   * Asks a phone for the PIN. Not idempotent.
   * @param it amount in whole shillings
   * @returns CheckoutRequestID
   * @throws {NotExecuted}; after any other error it is unknown whether the phone was asked
   */
  push(
    it: { shillings: number; phone: string; callbackUrl: string; reference: string },
    signal: AbortSignal,
  ): Promise<string>;
  /** @throws {ProviderRefused} for a CheckoutRequestID that Daraja does not know */
  query(checkoutRequestId: string, signal: AbortSignal): Promise<QueryResult>;
  /**
   * Requests a reversal. Its result is called back. Not idempotent.
   * @returns ConversationID
   * @throws {NotExecuted}; after any other error it is unknown whether it was accepted
   */
  reverse(
    it: { initiator: Initiator; receipt: string; shillings: number; resultUrl: string; remarks: string },
    signal: AbortSignal,
  ): Promise<string>;
}

const id = z.string().min(1).max(200);
const accepted = z.object({ ResponseCode: z.coerce.string(), ResponseDescription: z.string().optional() });
const pushed = accepted.extend({ CheckoutRequestID: id });
const reversed = accepted.extend({ ConversationID: id });
const queried = accepted.extend({
  ResultCode: z.coerce.string().max(20),
  ResultDesc: z.string().max(500).default(""),
});
const mistake = z.object({ errorCode: z.string().max(40), errorMessage: z.string().max(500).default("") });
type Mistake = z.output<typeof mistake>;

const BAD_TOKEN: ReadonlySet<string> = new Set(["401.003.01", "404.001.03", "404.001.04"]);
/** One code for two things, which only its text distinguishes: an unfinished push, and wrong settings. */
const BUSY_OR_WRONG = "500.001.1001";
const BUSY = /being processed|in process|lock subscriber/i;

export function createDaraja(settings: DarajaSettings, clock: Clock): Daraja {
  const { shortcode, passkey } = settings;
  const http = createHttp("mpesa", settings.base);
  const token = createAccessToken(http, settings, clock);

  /** A token may end early. Such a request was not carried out, and is sent once more. */
  async function post(path: string, body: object, signal: AbortSignal): Promise<HttpAnswer> {
    for (let attempt = 1; ; attempt++) {
      const bearer = await token.get().catch((error: Error) => {
        throw new NotExecuted(error);
      });
      const answer = await http
        .request({ method: "POST", path, headers: { authorization: `Bearer ${bearer}` }, body, signal })
        .catch((error: Error) => {
          throw neverSent(error) ? new NotExecuted(error) : error;
        });
      const refused = mistake.safeParse(answer.json).data;
      const badToken = refused ? BAD_TOKEN.has(refused.errorCode) : answer.status === 401;
      if (!badToken) return answer;
      token.drop(bearer);
      if (attempt > 1)
        throw new NotExecuted(
          new ProviderMisconfigured("mpesa does not accept the token that it has given us"),
        );
    }
  }

  function signature() {
    const Timestamp = timestamp(clock.now());
    const Password = Buffer.from(shortcode + passkey + Timestamp).toString("base64");
    return { BusinessShortCode: shortcode, Password, Timestamp };
  }

  return {
    async push({ shillings, phone, callbackUrl, reference }, signal) {
      const answer = await post(
        "/mpesa/stkpush/v1/processrequest",
        {
          ...signature(),
          TransactionType: settings.transactionType,
          Amount: shillings,
          PartyA: phone,
          PartyB: settings.till,
          PhoneNumber: phone,
          CallBackURL: callbackUrl,
          AccountReference: reference,
          TransactionDesc: "Order",
        },
        signal,
      );
      return taken(pushed, answer).CheckoutRequestID;
    },

    async query(checkoutRequestId, signal) {
      try {
        const answer = await post(
          "/mpesa/stkpushquery/v1/query",
          { ...signature(), CheckoutRequestID: checkoutRequestId },
          signal,
        );
        const refused = mistake.safeParse(answer.json).data;
        if (refused?.errorCode === BUSY_OR_WRONG && BUSY.test(refused.errorMessage)) return "pending";
        const { ResultCode, ResultDesc } = taken(queried, answer);
        return { code: ResultCode, description: ResultDesc };
      } catch (error) {
        throw error instanceof NotExecuted ? error.meaning : error;
      }
    },

    async reverse({ initiator, receipt, shillings, resultUrl, remarks }, signal) {
      const answer = await post(
        "/mpesa/reversal/v1/request",
        {
          Initiator: initiator.name,
          SecurityCredential: initiator.securityCredential,
          CommandID: "TransactionReversal",
          TransactionID: receipt,
          Amount: shillings,
          ReceiverParty: shortcode,
          // Daraja's own spelling. 11 is an organisation's short code.
          RecieverIdentifierType: "11",
          ResultURL: resultUrl,
          QueueTimeOutURL: resultUrl,
          Remarks: remarks,
          Occasion: "Refund",
        },
        signal,
      );
      return taken(reversed, answer).ConversationID;
    },
  };
}

/**
 * An accepted request.
 * @throws {NotExecuted} where Daraja refuses in its own format, before anything is done; PROVIDER_FAILED for any other
 * text (a gateway's error page), because the result is unknown
 */
function taken<S extends typeof accepted>(schema: S, answer: HttpAnswer): z.output<S> {
  const refused = mistake.safeParse(answer.json).data;
  if (refused) throw new NotExecuted(meaningOf(refused, answer.status));
  if (answer.status >= 400) throw providerFailed(`mpesa answered ${answer.status}`);
  const answered = expected("mpesa", schema, answer);
  if (answered.ResponseCode !== "0")
    throw new NotExecuted(
      new ProviderRefused(`mpesa: ${answered.ResponseDescription ?? answered.ResponseCode}`),
    );
  return answered;
}

function meaningOf({ errorCode, errorMessage }: Mistake, status: number): Error {
  const words = `mpesa: ${errorMessage.slice(0, 150)} (${errorCode})`;
  if (errorCode === BUSY_OR_WRONG)
    return BUSY.test(errorMessage) ? new ProviderRefused(words) : new ProviderMisconfigured(words);
  if (status === 401 || status === 403) return new ProviderMisconfigured(words);
  return status === 429 || status >= 500 ? providerFailed(words) : new ProviderRefused(words);
}
