/**
 * M-Pesa Express by Safaricom's Daraja: token, push, query, reversal; unsigned callbacks, sent once. The end of a
 * phone number decides what its owner does:
 * - 0000 pays
 * - 0001 has not enough money
 * - 0002 pays, and the callback comes twice
 * - 0003 pays before the push is answered
 * - 1001 is busy with another prompt
 * - 1032 cancels
 * - 1037 can't be reached
 * - 9999 pays, but there is no callback
 * All others wait for `pay`.
 */
import { z } from "zod";
import type { Emulator, EmulatorOptions, Outcome } from "../../emulator.ts";
import { refused } from "../../support/emulator/control.ts";
import { type Answer, Answered, type Call } from "../../support/emulator/http-app.ts";
import { createKit } from "../../support/emulator/kit.ts";
import { DESCRIPTIONS, nairobi, type Prompt, promptCallback, recordOf } from "./records.ts";

const SHORTCODE = "174379";
const TOKEN_S = 3_599;
/** How long a phone asks for the PIN. */
const PROMPT_MS = 60_000;

const signed = z.object({
  BusinessShortCode: z.coerce.string(),
  Password: z.string(),
  Timestamp: z.string().regex(/^\d{14}$/),
});
const pushRequest = signed.extend({
  TransactionType: z.enum(["CustomerPayBillOnline", "CustomerBuyGoodsOnline"]),
  Amount: z.coerce.number().int().min(1),
  PartyA: z.coerce.string().regex(/^254[17]\d{8}$/),
  PartyB: z.coerce.string().regex(/^\d{5,10}$/),
  PhoneNumber: z.coerce.string().regex(/^254[17]\d{8}$/),
  CallBackURL: z.url(),
  AccountReference: z.string().min(1).max(12),
  TransactionDesc: z.string().min(1).max(13),
});
const queryRequest = signed.extend({ CheckoutRequestID: z.string() });
const reversalRequest = z.object({
  Initiator: z.string(),
  SecurityCredential: z.string(),
  CommandID: z.literal("TransactionReversal"),
  TransactionID: z.string(),
  Amount: z.coerce.number().int().min(1),
  ReceiverParty: z.coerce.string(),
  RecieverIdentifierType: z.literal("11"),
  ResultURL: z.url(),
  QueueTimeOutURL: z.url(),
  Remarks: z.string().max(100),
  Occasion: z.string().max(100).optional(),
});

const RESULT: Readonly<Record<Exclude<Outcome, "tooMuch" | "withFee" | "process">, number>> = {
  succeed: 0,
  decline: 1,
  cancel: 1032,
  expire: 1037,
};

/** What the owners of some phones do, by the end of their numbers, and the number of callbacks. */
const OWNERS: Readonly<Record<string, { code: number; calls: 0 | 1 | 2; early?: true }>> = {
  "0000": { code: 0, calls: 1 },
  "0001": { code: 1, calls: 1 },
  "0002": { code: 0, calls: 2 },
  "0003": { code: 0, calls: 1, early: true },
  "1032": { code: 1032, calls: 1 },
  "1037": { code: 1037, calls: 1 },
  "9999": { code: 0, calls: 0 },
};

export async function startMpesa(options: EmulatorOptions): Promise<Emulator> {
  const { clock } = options;
  const kit = createKit(options, { retry: () => null, timeoutMs: 30_000 });
  const consumer = { key: kit.token(32), secret: kit.token(48) };
  const passkey = kit.token(64);
  const initiator = { name: "souk-api", credential: kit.token(88) };
  const tokens = new Map<string, number>();
  const prompts = new Map<string, Prompt>();
  let requests = 0;

  const requestId = (): string => `${1_000 + (requests++ % 9_000)}-${kit.token(8)}-1`;

  function authorized(call: Call): void {
    const [scheme, token = ""] = (call.headers.authorization ?? "").split(" ");
    if (scheme !== "Bearer" || (tokens.get(token) ?? 0) <= clock.now())
      throw new Answered(mistake(404, "404.001.03", "Invalid Access Token"));
  }

  function read<S extends z.ZodType>(schema: S, call: Call): z.output<S> {
    authorized(call);
    const { data, success, error } = schema.safeParse(call.json());
    if (!success)
      throw new Answered(
        mistake(400, "400.002.02", `Bad Request - Invalid ${error.issues[0]?.path.join(".")}`),
      );
    return data;
  }

  function checkPassword({ BusinessShortCode, Password, Timestamp }: z.output<typeof signed>): void {
    const expected = Buffer.from(`${SHORTCODE}${passkey}${Timestamp}`).toString("base64");
    if (BusinessShortCode !== SHORTCODE)
      throw new Answered(mistake(500, "500.001.1001", "Merchant does not exist"));
    if (Password !== expected) throw new Answered(mistake(500, "500.001.1001", "Wrong credentials"));
  }

  function callBack(it: Prompt, cause?: Call): void {
    const body = JSON.stringify(promptCallback(it, nairobi(clock.now())));
    kit.webhookSender.send({ url: it.callbackUrl, body, headers: () => ({}) }, cause);
  }

  /** @param silent there is no callback */
  function end(
    it: Prompt,
    code: number,
    { silent = false, cause }: { silent?: boolean; cause?: Call | undefined } = {},
  ): void {
    if (it.result) throw refused(409, `the prompt has ended with ${it.result.code}`);
    it.result = { code, description: DESCRIPTIONS[code] ?? "" };
    if (code === 0) {
      it.paid = it.amount;
      it.receipt = `S${kit.token(9).toUpperCase()}`;
    }
    if (!silent) callBack(it, cause);
  }

  function push(call: Call): Answer {
    const body = read(pushRequest, call);
    checkPassword(body);
    const suffix = body.PhoneNumber.slice(-4);
    if (suffix === "1001") return mistake(500, "500.001.1001", DESCRIPTIONS[1001] ?? "");
    const it: Prompt = {
      merchantRequestId: requestId(),
      checkoutRequestId: `ws_CO_${nairobi(clock.now())}${kit.token(12)}`,
      phone: body.PhoneNumber,
      amount: body.Amount,
      callbackUrl: body.CallBackURL,
      askedAt: clock.now(),
      entered: false,
      result: null,
      receipt: null,
      paid: 0,
      reversed: 0,
    };
    prompts.set(it.checkoutRequestId, it);
    ownerActs(it, suffix, call);
    return {
      status: 200,
      body: {
        MerchantRequestID: it.merchantRequestId,
        CheckoutRequestID: it.checkoutRequestId,
        ResponseCode: "0",
        ResponseDescription: "Success. Request accepted for processing",
        CustomerMessage: "Success. Request accepted for processing",
      },
    };
  }

  function ownerActs(it: Prompt, suffix: string, call: Call): void {
    const act = OWNERS[suffix];
    if (!act) kit.opened(it.checkoutRequestId, call);
    else if (act.early) {
      end(it, act.code);
      call.holdAnswer(kit.webhookSender.idle());
    } else
      void call.answered.then(() => {
        end(it, act.code, { silent: act.calls === 0 });
        if (act.calls === 2) callBack(it);
      });
  }

  function query(call: Call): Answer {
    const body = read(queryRequest, call);
    checkPassword(body);
    const it = prompts.get(body.CheckoutRequestID);
    if (!it) return mistake(400, "400.002.02", "Bad Request - Invalid CheckoutRequestID");
    if (!it.result && !it.entered && clock.now() - it.askedAt >= PROMPT_MS) end(it, 1037);
    if (!it.result) return mistake(500, "500.001.1001", "The transaction is being processed");
    return {
      status: 200,
      body: {
        ResponseCode: "0",
        ResponseDescription: "The service request has been accepted successsfully",
        MerchantRequestID: it.merchantRequestId,
        CheckoutRequestID: it.checkoutRequestId,
        ResultCode: String(it.result.code),
        ResultDesc: it.result.description,
      },
    };
  }

  function reverse(call: Call): Answer {
    const body = read(reversalRequest, call);
    const ids = {
      OriginatorConversationID: requestId(),
      ConversationID: `AG_${nairobi(clock.now()).slice(0, 8)}_${kit.token(20)}`,
    };
    const [code, description] = reversalResult(body);
    const result = {
      Result: {
        ResultType: 0,
        ResultCode: code,
        ResultDesc: description,
        ...ids,
        TransactionID: `S${kit.token(9).toUpperCase()}`,
        ReferenceData: { ReferenceItem: { Key: "QueueTimeoutURL", Value: body.QueueTimeOutURL } },
      },
    };
    kit.webhookSender.send({ url: body.ResultURL, body: JSON.stringify(result), headers: () => ({}) }, call);
    return {
      status: 200,
      body: { ...ids, ResponseCode: "0", ResponseDescription: "Accept the service request successfully." },
    };
  }

  function reversalResult(body: z.output<typeof reversalRequest>): [number | string, string] {
    if (body.Initiator !== initiator.name || body.SecurityCredential !== initiator.credential)
      return [2001, DESCRIPTIONS[2001] ?? ""];
    const it = [...prompts.values()].find((one) => one.receipt === body.TransactionID);
    if (!it || body.ReceiverParty !== SHORTCODE) return ["R000002", "The OriginalTransactionID is invalid."];
    if (it.reversed + body.Amount > it.paid) return ["R000001", "The transaction has already been reversed."];
    it.reversed += body.Amount;
    return [0, DESCRIPTIONS[0] ?? ""];
  }

  function prompt(ref: string): Prompt {
    const it = prompts.get(ref);
    if (!it) throw refused(404, "no such prompt");
    return it;
  }

  return kit.listen({
    name: "mpesa",
    routes: {
      "GET /oauth/v1/generate": (call) => {
        const expected = `Basic ${Buffer.from(`${consumer.key}:${consumer.secret}`).toString("base64")}`;
        if (call.headers.authorization !== expected || call.query.get("grant_type") !== "client_credentials")
          return mistake(400, "400.008.01", "Invalid Authentication passed");
        const token = kit.token(28);
        tokens.set(token, clock.now() + TOKEN_S * 1_000);
        return { status: 200, body: { access_token: token, expires_in: String(TOKEN_S) } };
      },
      "POST /mpesa/stkpush/v1/processrequest": push,
      "POST /mpesa/stkpushquery/v1/query": query,
      "POST /mpesa/reversal/v1/request": reverse,
    },
    control: {
      "POST /_sim/tokens/expire": () => {
        tokens.clear();
        return { status: 200, body: {} };
      },
    },
    errorAnswer: (status) => mistake(status, ...(FAULTS[status] ?? FAULTS[500])),
    environment: (url) => ({
      MPESA_CONSUMER_KEY: consumer.key,
      MPESA_CONSUMER_SECRET: consumer.secret,
      MPESA_SHORTCODE: SHORTCODE,
      MPESA_PASSKEY: passkey,
      MPESA_CALLBACK_SECRET: kit.token(32),
      MPESA_ALLOWED_ADDRESSES: "127.0.0.1, ::1",
      MPESA_INITIATOR_NAME: initiator.name,
      MPESA_SECURITY_CREDENTIAL: initiator.credential,
      MPESA_API_BASE: url,
    }),
    pay(ref, outcome, cause) {
      const it = prompt(ref);
      if (outcome === "tooMuch" || outcome === "withFee")
        throw refused(409, "a prompt is paid as it asks, or not at all");
      if (outcome !== "process") end(it, RESULT[outcome], { cause });
      else if (it.result) throw refused(409, `the prompt has ended with ${it.result.code}`);
      else it.entered = true;
    },
    /** From Safaricom's portal, without a callback. */
    refundAtProvider(ref, amount) {
      const it = prompt(ref);
      const shillings = amount / 100;
      if (!Number.isInteger(shillings) || it.reversed + shillings > it.paid) throw refused(409, "too much");
      it.reversed += shillings;
    },
    dispute() {
      throw refused(409, "mpesa knows no disputes");
    },
    records: () => [...prompts.values()].map(recordOf),
  });
}

const mistake = (status: number, errorCode: string, errorMessage: string): Answer => ({
  status,
  body: { requestId: `${status}-0-1`, errorCode, errorMessage },
});

const FAULTS: Readonly<Record<number, [string, string]>> & { 500: [string, string] } = {
  400: ["400.002.02", "Bad Request"],
  401: ["401.003.01", "Error Occurred - Invalid Access Token"],
  404: ["404.001.01", "Resource not found"],
  429: ["500.003.02", "Error Occurred: Spike Arrest Violation"],
  500: ["500.003.1001", "Internal Server Error"],
  503: ["500.003.03", "Error Occurred: Quota Violation"],
};
