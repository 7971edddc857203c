/** E-mail: letters as HTML and text, with the invoice of a paid order attached. */
import type { CallMeta } from "../../../broker/contract/call-meta.ts";
import type { TypedCall } from "../../../broker/moleculer/handlers.ts";
import { renderHtml } from "../letters/render-html.ts";
import { renderText } from "../letters/render-text.ts";
import { type Attachment, type MailPort, MailRefused } from "../mail/mail.ts";
import type { MailboxAddress } from "../mail/mailbox-address.ts";
import type { NotificationState } from "../notification/state.ts";
import { type Channel, Refused } from "./channel.ts";

export interface EmailTools {
  readonly port: MailPort;
  readonly from: MailboxAddress;
  readonly off: string | null;
  readonly call: TypedCall;
}

export function emailChannel({ port, from, off, call }: EmailTools): Channel {
  return {
    off,
    recognisesRepeats: port.recognisesRepeats,
    addressOf: ({ email }) => email,
    async send({ id, state, addressee: { name, email }, letter, unsubscribeUrl }) {
      try {
        return await port.send({
          id,
          kind: state.kind,
          from,
          to: { name: name ?? "", address: email ?? "" },
          subject: letter.subject,
          html: renderHtml(letter),
          text: renderText(letter),
          language: letter.locale,
          at: new Date(state.createdAt),
          attachments: attachmentsOf(call, state),
          unsubscribeUrl,
        });
      } catch (error) {
        throw error instanceof MailRefused ? new Refused(error.message, { cause: error }) : error;
      }
    },
  };
}

/** The invoice is issued when the order is paid, too: it may not be there at the first attempt. */
function attachmentsOf(call: TypedCall, { kind, orderId, about }: NotificationState): Attachment[] {
  if (kind !== "order_paid" || orderId === null) return [];
  const staff: { meta: CallMeta } = {
    meta: { user: { id: orderId, roles: ["staff"], scopes: ["payments:read"] } },
  };
  return [
    {
      fileName: `invoice-${about.orderNumber ?? orderId}.pdf`,
      type: "application/pdf",
      async content() {
        return asBuffer(await call("payments.invoice", { id: orderId }, staff));
      },
    },
  ];
}

/** An answer of another node has gone through JSON. */
function asBuffer(answer: unknown): Buffer {
  if (Buffer.isBuffer(answer)) return answer;
  if (answer instanceof Uint8Array) return Buffer.from(answer);
  if (typeof answer === "object" && answer !== null && "data" in answer && Array.isArray(answer.data))
    return Buffer.from(answer.data);
  throw new TypeError("an invoice is no file");
}
