import assert from "node:assert/strict";
import { createServer } from "node:net";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";
import { type Mail, type MailPort, MailRefused } from "../../../services/notifications/mail/mail.ts";
import { smtp } from "../../../services/notifications/mail/smtp.ts";

const mail = (changes: Partial<Mail> = {}): Mail => ({
  id: "01941b2e-5d00-7a11-8c42-5f2e9b7c4a10",
  kind: "welcome",
  from: { name: "Souk", address: "shop@shop.example" },
  to: { name: "Ann", address: "ann@example.com" },
  subject: "Welcome",
  html: "<p>Hello</p>",
  text: "Hello",
  language: "en",
  at: new Date("2026-11-27T09:30:00Z"),
  attachments: [],
  unsubscribeUrl: null,
  ...changes,
});

interface Receiver {
  port: MailPort;
  /** Each with its envelope's recipients. */
  received: { to: string[]; source: string }[];
  close(): Promise<void>;
}

const portOn = (port: number): MailPort =>
  smtp({ url: `smtp://127.0.0.1:${port}`, connections: 2, timeoutMs: 400 });

async function receiver(options: SMTPServerOptions = {}): Promise<Receiver> {
  const received: Receiver["received"] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS"],
    logger: false,
    closeTimeout: 100,
    onData(stream, { envelope }, done) {
      const parts: Buffer[] = [];
      stream.on("data", (it: Buffer) => parts.push(it));
      stream.on("end", () => {
        received.push({
          to: envelope.rcptTo.map((it) => it.address),
          source: Buffer.concat(parts).toString(),
        });
        done();
      });
    },
    ...options,
  });
  server.on("error", () => undefined);
  const port = await new Promise<number>((resolve) => {
    const listening = server.listen(0, "127.0.0.1", () => {
      const address = listening.address();
      resolve(typeof address === "object" && address ? address.port : 0);
    });
  });
  const sending = portOn(port);
  return {
    port: sending,
    received,
    async close() {
      await sending.close();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

const saying = (responseCode: number, message: string) => Object.assign(new Error(message), { responseCode });
const isTemporary = (error: unknown): boolean => !(error instanceof MailRefused);

describe("E-mails by SMTP", () => {
  let open: Receiver | undefined;
  const start = async (options?: SMTPServerOptions) => {
    open = await receiver(options);
    return open;
  };
  afterEach(() => open?.close());

  it("arrive with both parts, the same Message-ID each time, and the headers of mails from machines", async () => {
    const { port, received } = await start();
    await port.send(mail({ unsubscribeUrl: "https://shop.example/u?token=1" }));
    await port.send(mail());
    const [first, second] = received.map((it) => it.source);
    assert.equal(received.length, 2);
    for (const source of [first, second])
      assert.match(source ?? "", /^Message-ID: <01941b2e-5d00-7a11-8c42-5f2e9b7c4a10@shop\.example>\r$/m);
    assert.match(first ?? "", /^Auto-Submitted: auto-generated\r$/m);
    assert.match(first ?? "", /^List-Unsubscribe: <https:\/\/shop\.example\/u\?token=1>\r$/m);
    assert.match(first ?? "", /^List-Unsubscribe-Post: List-Unsubscribe=One-Click\r$/m);
    assert.match(first ?? "", /Content-Type: text\/plain[\s\S]*Content-Type: text\/html/);
  });

  it("carry no header and no recipient that a name, a subject or an address would smuggle in", async () => {
    const { port, received } = await start();
    const smuggled = 'Ann"\r\nBcc: <evil@evil.example>\r\n\r\n<script>\u2028X-A: b\u0000';
    await port.send(mail({ subject: smuggled, to: { name: smuggled, address: "ann@example.com" } }));
    const [it] = received;
    assert.deepEqual(it?.to, ["ann@example.com"]);
    const [headers = ""] = it?.source.split("\r\n\r\n") ?? [];
    assert.doesNotMatch(headers, /^(?:bcc|x-a):/im);
    for (const address of [
      "ann@example.com, evil@evil.example",
      "ann@example.com\r\nRCPT TO:<evil@evil.example>",
      "ann@example.com> <evil@evil.example",
    ])
      await port.send(mail({ to: { name: "", address } })).catch(() => undefined);
    assert.ok(
      received.every((sent) => !sent.to.includes("evil@evil.example")),
      JSON.stringify(received.map((sent) => sent.to)),
    );
  });

  it("read no file that stands in them", async () => {
    const { port, received } = await start();
    await port.send(mail({ html: '<img src="file:///etc/passwd">', text: "file:///etc/passwd" }));
    assert.doesNotMatch(received[0]?.source ?? "", /root:/);
  });

  const refusals: Record<string, SMTPServerOptions> = {
    "the recipient": { onRcptTo: (_, __, done) => done(saying(550, "no such mailbox")) },
    "the mail": {
      onData(stream, _, done) {
        stream.resume();
        stream.on("end", () => done(saying(554, "spam")));
      },
    },
  };
  for (const [what, options] of Object.entries(refusals))
    it(`are given up when ${what} is refused for good`, async () => {
      const { port } = await start(options);
      await assert.rejects(port.send(mail()), MailRefused);
    });

  const troubles: Record<string, SMTPServerOptions> = {
    "asks to come later": { onRcptTo: (_, __, done) => done(saying(451, "greylisted")) },
    "refuses our sender": { onMailFrom: (_, __, done) => done(saying(553, "not you")) },
    "never greets": { onConnect: () => undefined },
    "hangs in the middle": { onData: (stream) => void stream.resume() },
  };
  for (const [what, options] of Object.entries(troubles))
    it(`may be tried again when the server ${what}`, async () => {
      const { port } = await start(options);
      await assert.rejects(port.send(mail()), isTemporary);
    });

  it("may be tried again when the server closes in the middle, or is not there", async () => {
    const server = createServer((socket) => {
      socket.on("error", () => undefined).write("220 here\r\n");
      socket.once("data", () => socket.end("250 hello\r\n"));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = portOn(typeof address === "object" && address ? address.port : 0);
    await assert.rejects(port.send(mail()), isTemporary);
    await new Promise<void>((resolve) => server.close(() => resolve()));
    await assert.rejects(port.send(mail()), isTemporary);
    await port.close();
  });
});
