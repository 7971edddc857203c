/**
 * SMS by Twilio's HTTP interface, which others speak too. It has no idempotency keys. So a repeated attempt first looks
 * whether the text is in the account's list already. Credentials follow no redirect, and answers have a maximum size.
 */
import { z } from "zod";
import { withoutLastSlashes } from "../../../broker/http/public-url.ts";
import { type Sms, type SmsPort, SmsRefused } from "./sms.ts";

export interface TwilioSettings {
  readonly url: string;
  readonly account: string;
  readonly token: string;
  readonly from: string;
  /** How long one answer may take. Milliseconds. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 1_000_000;
/** Of one recipient, newest first. An attempt is repeated before so many others are sent. */
const LOOKED_THROUGH = 50;

const created = z.object({ sid: z.string().max(100), status: z.string().max(100) });
const problem = z.object({ code: z.number().optional(), message: z.string() });
const listed = z.object({
  messages: z.array(
    z.object({ sid: z.string(), to: z.string(), body: z.string(), date_created: z.string() }),
  ),
});

/** Codes of a refused sender, or of a country that the account must be opened for: ours to mend. */
const OURS = new Set([21_212, 21_408, 21_603, 21_606, 21_659, 21_660]);

interface Reply {
  readonly status: number;
  readonly json: unknown;
}

export function twilio({ url, account, token, from, timeoutMs = TIMEOUT_MS }: TwilioSettings): SmsPort {
  const messages = `${withoutLastSlashes(url)}/2010-04-01/Accounts/${encodeURIComponent(account)}/Messages.json`;
  const authorization = `Basic ${Buffer.from(`${account}:${token}`).toString("base64")}`;

  async function ask(address: string, form?: URLSearchParams): Promise<Reply> {
    const response = await fetch(address, {
      method: form ? "POST" : "GET",
      headers: { accept: "application/json", authorization },
      ...(form && { body: form }),
      redirect: "error",
      signal: AbortSignal.timeout(timeoutMs),
    });
    return { status: response.status, json: parsed(await boundedText(response)) };
  }

  async function findSent({ to, text, since }: Sms): Promise<string | undefined> {
    const query = new URLSearchParams({ To: to, PageSize: String(LOOKED_THROUGH) });
    const { status, json } = await ask(`${messages}?${query}`);
    if (status !== 200) throw new Error(`the list of sent SMS was refused: ${wordsOf({ status, json })}`);
    // Twilio's times are whole seconds.
    const earliest = Math.floor(since.getTime() / 1_000) * 1_000;
    return listed
      .parse(json)
      .messages.find((it) => it.to === to && it.body === text && Date.parse(it.date_created) >= earliest)
      ?.sid;
  }

  return {
    async send(sms) {
      const known = sms.mayBeThere ? await findSent(sms) : undefined;
      if (known !== undefined) return `${known} was sent by an earlier attempt`;
      const form = new URLSearchParams({ To: sms.to, From: from, Body: sms.text });
      const reply = await ask(messages, form);
      if (reply.status === 201) {
        const { sid, status } = created.parse(reply.json);
        return `${status} as ${sid}`;
      }
      throw isFinal(reply) ? new SmsRefused(wordsOf(reply)) : new Error(wordsOf(reply));
    },
  };
}

/** 401, 403 and 404 mean our account, 429 and 5xx come and go. */
function isFinal({ status, json }: Reply): boolean {
  if (status !== 400) return false;
  const { data } = problem.safeParse(json);
  return data !== undefined && !OURS.has(data.code ?? 0);
}

function wordsOf({ status, json }: Reply): string {
  const { data } = problem.safeParse(json);
  if (!data) return `it answered ${status}`;
  // The reason of a failure is told to integrators, whom the number does not concern.
  const message = data.message.slice(0, 300).replace(/\+\d{5,15}/g, "+…");
  return `${status} ${data.code ?? ""} ${message}`;
}

/** Some answers are text, usually from a proxy. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function boundedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    // Leaving the loop cancels the stream.
    if (size > MAX_ANSWER_BYTES) throw new Error(`the answer is longer than ${MAX_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
