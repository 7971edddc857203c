/**
 * Twilio's Messages interface on the loopback interface, for tests. It keeps its accounts in memory, refuses what Twilio
 * refuses with Twilio's codes, and has faults.
 */
import { timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface SentSms {
  readonly sid: string;
  readonly to: string;
  readonly from: string;
  readonly body: string;
  readonly date_created: string;
}

/**
 * What happens to the next requests that send. A number: that status, nothing sent. `hang`: sent, never answered.
 * `loseAnswer`: sent, then the connection is closed. `close`: the connection is closed before anything is done.
 */
export type TwilioFault = 429 | 500 | 503 | "hang" | "loseAnswer" | "close" | "flood" | null;

export interface TwilioEmulator {
  readonly url: string;
  readonly account: string;
  readonly token: string;
  readonly sent: readonly SentSms[];
  fault: TwilioFault;
  /** Numbers whose owners have answered STOP. */
  readonly stopped: Set<string>;
  close(): Promise<void>;
}

const MAX_BODY = 65_536;
const MAX_TEXT = 1_600;
/** The form of numbers that Twilio takes without a look-up. */
const NUMBER = /^\+[1-9][0-9]{6,14}$/;
const SENDER = /^(?:\+[1-9][0-9]{4,14}|(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11})$/;

export async function startTwilio(now: () => number = Date.now): Promise<TwilioEmulator> {
  const account = `AC${"0123456789abcdef".repeat(2)}`;
  const token = "emulated-token-of-twilio-0001";
  const sent: SentSms[] = [];
  const authorization = Buffer.from(`Basic ${Buffer.from(`${account}:${token}`).toString("base64")}`);
  const path = `/2010-04-01/Accounts/${account}/Messages.json`;
  const server = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy());
  });

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request);
    const url = new URL(request.url ?? "/", "http://emulator");
    const given = Buffer.from(request.headers.authorization ?? "");
    if (given.length !== authorization.length || !timingSafeEqual(given, authorization))
      return refuse(response, 401, 20_003, "Authenticate");
    if (url.pathname !== path) return refuse(response, 404, 20_404, `${url.pathname} was not found`);
    if (request.method === "GET") return list(response, url.searchParams);
    const { fault } = emulator;
    if (fault === "close") return void response.destroy();
    if (fault === "flood") {
      response.writeHead(201, { "content-type": "application/json" });
      const chunk = Buffer.alloc(262_144, " ");
      const more = (): void => {
        while (!response.destroyed && response.write(chunk));
      };
      response.on("drain", more);
      return more();
    }
    if (typeof fault === "number") return refuse(response, fault, 20_429, "Try again later");
    if (!request.headers["content-type"]?.startsWith("application/x-www-form-urlencoded"))
      return refuse(response, 400, 21_604, "A 'To' phone number is required.");
    const made = send(new URLSearchParams(body), response);
    if (!made || fault === "hang") return;
    if (fault === "loseAnswer") return void response.destroy();
    answer(response, 201, {
      ...made,
      status: "queued",
      account_sid: account,
      num_segments: "1",
      price: null,
    });
  }

  function send(form: URLSearchParams, response: ServerResponse): SentSms | undefined {
    const [to, from, body] = ["To", "From", "Body"].map((it) => form.get(it) ?? "") as [
      string,
      string,
      string,
    ];
    if (to === "") return refuse(response, 400, 21_604, "A 'To' phone number is required.");
    if (!NUMBER.test(to)) return refuse(response, 400, 21_211, `Invalid 'To' Phone Number: ${to}`);
    if (from === "") return refuse(response, 400, 21_603, "A 'From' phone number is required.");
    if (!SENDER.test(from)) return refuse(response, 400, 21_212, `Invalid From Number: ${from}`);
    if (body === "") return refuse(response, 400, 21_602, "Message body is required.");
    if (body.length > MAX_TEXT)
      return refuse(response, 400, 21_617, "The concatenated message body exceeds the 1600 character limit");
    if (emulator.stopped.has(to))
      return refuse(response, 400, 21_610, `Attempt to send to unsubscribed recipient ${to}`);
    const sid = `SM${String(sent.length + 1).padStart(32, "0")}`;
    const it = { sid, to, from, body, date_created: new Date(now()).toUTCString() };
    sent.unshift(it);
    return it;
  }

  function list(response: ServerResponse, query: URLSearchParams): void {
    const to = query.get("To");
    const size = Math.min(Number(query.get("PageSize") ?? 50), 1_000);
    const messages = sent.filter((it) => to === null || it.to === to).slice(0, size);
    answer(response, 200, { messages, page: 0, page_size: size, next_page_uri: null });
  }

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const emulator: TwilioEmulator = {
    url: `http://127.0.0.1:${port}`,
    account,
    token,
    sent,
    fault: null,
    stopped: new Set(),
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
  return emulator;
}

function refuse(response: ServerResponse, status: number, code: number, message: string): undefined {
  answer(response, status, {
    code,
    message,
    more_info: `https://www.twilio.com/docs/errors/${code}`,
    status,
  });
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) {
    text += String(chunk);
    if (text.length > MAX_BODY) throw new Error("the body is too large");
  }
  return text;
}
