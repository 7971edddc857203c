/**
 * E-mails by SMTP. SMTP cannot promise that a mail arrives once: when the connection breaks after the last dot and before
 * the answer is committed here, it may have arrived, and is sent again. It then has the same Message-ID, by which
 * receivers drop the second.
 */
import type { Transporter } from "nodemailer";
import { sharedValue } from "../../../broker/resilience/single-flight.ts";
import { type MailPort, MailRefused } from "./mail.ts";
import { messageOptions } from "./message-options.ts";

export interface SmtpSettings {
  readonly url: string;
  readonly connections: number;
  /** How long a server may be silent. Milliseconds. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 15_000;
/** What a server says of the mail or its recipient. Refusals of the sender or of our login are ours to mend. */
const ABOUT_THE_MAIL = new Set(["RCPT TO", "DATA"]);

export function smtp({ url, connections, timeoutMs = TIMEOUT_MS }: SmtpSettings): MailPort {
  let opened: Transporter | undefined;
  const transport = sharedValue(async () => {
    const { createTransport } = await import("nodemailer");
    opened = createTransport({
      url,
      pool: true,
      maxConnections: connections,
      connectionTimeout: timeoutMs,
      greetingTimeout: timeoutMs,
      socketTimeout: timeoutMs,
      disableFileAccess: true,
      disableUrlAccess: true,
    });
    return opened;
  });
  return {
    recognisesRepeats: false,
    async send(mail) {
      const attachments = await Promise.all(
        mail.attachments.map(async ({ fileName, type, content }) => ({
          filename: fileName,
          contentType: type,
          content: await content(),
        })),
      );
      try {
        const { response } = await (await transport.get()).sendMail(messageOptions(mail, attachments));
        return String(response);
      } catch (error) {
        throw isFinal(error) ? new MailRefused((error as Error).message, { cause: error }) : error;
      }
    },
    async close() {
      opened?.close();
    },
  };
}

function isFinal(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { responseCode, command } = error as { responseCode?: unknown; command?: unknown };
  return typeof responseCode === "number" && responseCode >= 500 && ABOUT_THE_MAIL.has(String(command));
}
