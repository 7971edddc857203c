/** The channel e-mail on a server that speaks SMTP. */
import { SMTPServer } from "smtp-server";
import { smtp } from "../../../../services/notifications/mail/smtp.ts";
import { emailChannel } from "../../../../services/notifications/sending/email-channel.ts";
import type { ChannelWorld, Fault } from "./channel-conformance.ts";

const saying = (responseCode: number, message: string) => Object.assign(new Error(message), { responseCode });
const PASSWORD = "the-password-of-the-mailbox";

export async function smtpWorld(): Promise<ChannelWorld> {
  const received = new Set<string>();
  let fault: Fault | null = null;
  const server = new SMTPServer({
    authMethods: ["PLAIN"],
    allowInsecureAuth: true,
    disabledCommands: ["STARTTLS"],
    logger: false,
    closeTimeout: 10,
    onAuth({ password }, _, done) {
      if (password !== PASSWORD || fault === "ours") return done(saying(535, "not you"));
      done(null, { user: "shop" });
    },
    onRcptTo(_, __, done) {
      if (fault === "refuse") return done(saying(550, "no such mailbox"));
      if (fault === "later") return done(saying(451, "greylisted"));
      if (fault === "fail") return done(saying(421, "going down"));
      done();
    },
    onData(stream, session, done) {
      const parts: Buffer[] = [];
      stream.on("data", (it: Buffer) => parts.push(it));
      stream.on("end", () => {
        if (fault === "hang") return;
        if (fault !== "close")
          received.add(/^Message-ID: (\S+)/m.exec(Buffer.concat(parts).toString())?.[1] ?? "");
        if (fault === "close" || fault === "loseAnswer") return cut(session.remotePort);
        done();
      });
    },
  });
  server.on("error", () => undefined);
  const sockets = new Map<number, { destroy(): unknown }>();
  server.server.on("connection", (socket) => sockets.set(socket.remotePort ?? 0, socket));
  const cut = (port: number) => void sockets.get(port)?.destroy();
  const port = await new Promise<number>((resolve) => {
    const listening = server.listen(0, "127.0.0.1", () => {
      const address = listening.address();
      resolve(typeof address === "object" && address ? address.port : 0);
    });
  });
  const transport = smtp({
    url: `smtp://shop:${PASSWORD}@127.0.0.1:${port}`,
    connections: 1,
    timeoutMs: 300,
  });
  const channel = emailChannel({
    port: transport,
    from: { name: "Souk", address: "shop@shop.example" },
    off: null,
    call: () => Promise.reject(new Error("nothing is attached")),
  });
  return {
    channel,
    received: () => [...received],
    fail(it) {
      fault = it;
    },
    heal() {
      fault = null;
    },
    secrets: [PASSWORD],
    async close() {
      await transport.close();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
