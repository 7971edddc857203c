/** The pages of development's mailbox: a list, a message, and its parts. They run no scripts. */
import { type Model, trusted } from "mongoose";
import { SoukError } from "../../../../broker/contract/errors.ts";
import { escapeHtml, HTML_PAGE_POLICY, htmlPage } from "../../../../broker/http/html-page.ts";
import { messageOptions } from "../message-options.ts";
import type { KeptMail } from "./mailbox.model.ts";

export interface MailboxPage {
  readonly body: string;
  readonly type: string;
  readonly policy: string;
  /** Whether a page of the shop may show it in a frame. */
  readonly framed: boolean;
}

const PER_PAGE = 50;
/** A frame of the message's own HTML, and nothing else that the list has not. */
const MESSAGE_POLICY = `${HTML_PAGE_POLICY}; frame-src 'self'`;
/** The mail as a mail program shows it: styles, no scripts, nothing from elsewhere. Links open outside of the frame. */
const MAIL_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; " +
  "frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox";
const SOURCE_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox";

const whenIn = (at: Date): string => at.toISOString().slice(0, 19).replace("T", " ");
const addressOf = ({ name, address }: KeptMail["to"]): string => (name ? `${name} <${address}>` : address);

/** @param before the id of a mail; the list shows those before it */
export async function mailboxList(mails: Model<KeptMail>, before?: string): Promise<MailboxPage> {
  const found = await mails
    .find(before === undefined ? {} : { _id: trusted({ $lt: before }) }, { html: 0, text: 0 })
    .sort({ _id: -1 })
    .limit(PER_PAGE + 1)
    .lean<KeptMail[]>();
  const shown = found.slice(0, PER_PAGE);
  const items = shown.map(
    (it) =>
      `<li><a href="/dev/mail/${it._id}"><b dir="auto">${escapeHtml(it.subject)}</b>` +
      `<span dir="auto">${escapeHtml(addressOf(it.to))}</span><br><span>${whenIn(it.at)} UTC</span></a></li>`,
  );
  const last = shown.at(-1);
  const older =
    found.length > PER_PAGE && last ? `<p><a href="/dev/mail?before=${last._id}">Older mails</a></p>` : "";
  const list =
    items.length === 0
      ? "<p>There are none yet. Order something, and look again.</p>"
      : `<ul class="rows">${items.join("\n")}</ul>`;
  return page(
    "Mails",
    `<h1>Mails</h1>
<p>What this shop would have sent. With <code>MAIL_URL</code> it sends them by SMTP.</p>
${list}
${older}`,
    HTML_PAGE_POLICY,
  );
}

/** @throws {SoukError} NOT_FOUND */
export async function mailboxPart(
  mails: Model<KeptMail>,
  id: string,
  part: "message" | "html" | "source",
): Promise<MailboxPage> {
  const mail = await mails.findById(id).lean<KeptMail>();
  if (!mail) throw new SoukError("NOT_FOUND", "There is no such mail.");
  switch (part) {
    case "message":
      return message(mail);
    case "html":
      return {
        body: mail.html.replace("<head>", '<head><base target="_blank">'),
        type: "text/html",
        policy: MAIL_POLICY,
        framed: true,
      };
    case "source":
      return { body: await sourceOf(mail), type: "text/plain", policy: SOURCE_POLICY, framed: false };
  }
}

function message(mail: KeptMail): MailboxPage {
  const { _id: id, subject, text, attachments } = mail;
  const attached = attachments.map((it) => escapeHtml(it.fileName)).join(", ");
  return page(
    subject,
    `<p><a href="/dev/mail">All mails</a></p>
<h1 dir="auto">${escapeHtml(subject)}</h1>
<dl>
<dt>From</dt><dd dir="auto">${escapeHtml(addressOf(mail.from))}</dd>
<dt>To</dt><dd dir="auto">${escapeHtml(addressOf(mail.to))}</dd>
<dt>Date</dt><dd>${whenIn(mail.at)} UTC</dd>
<dt>Kind</dt><dd>${escapeHtml(mail.kind)}</dd>
${attached === "" ? "" : `<dt>Attached</dt><dd>${attached}</dd>`}
</dl>
<iframe title="The mail as HTML" sandbox="allow-popups allow-popups-to-escape-sandbox" src="/dev/mail/${id}/html"></iframe>
<h2>Text</h2>
<pre dir="auto">${escapeHtml(text)}</pre>
<p><a href="/dev/mail/${id}/source">Source</a></p>`,
    MESSAGE_POLICY,
  );
}

const page = (title: string, content: string, policy: string): MailboxPage => ({
  body: htmlPage(title, content),
  type: "text/html",
  policy,
  framed: false,
});

/** As it would go out, without the contents of attachments. */
async function sourceOf({ _id: id, attachments, ...mail }: KeptMail): Promise<string> {
  const { default: MailComposer } = await import("nodemailer/lib/mail-composer");
  const options = messageOptions({ ...mail, id, attachments: [] }, []);
  const built = await new MailComposer(options).compile().build();
  const missing = attachments.map((it) => `\n(attached: ${it.fileName}, ${it.type})\n`);
  return built.toString("utf8") + missing.join("");
}
