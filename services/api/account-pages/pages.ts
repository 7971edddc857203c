/** Serves the forms of mails: GET shows one, POST does what it asks for. */
import type { CallMeta } from "../../../broker/contract/call-meta.ts";
import { errorCode, errorEntry, SoukError } from "../../../broker/contract/errors.ts";
import type { Page } from "../../../broker/http/gateway.ts";
import { HTML_FORM_POLICY, htmlPage } from "../../../broker/http/html-page.ts";
import type { Exchange } from "../../../broker/http/http-exchange.ts";
import { bodyKind, readBytes } from "../../../broker/http/request/body.ts";
import { parseQuery } from "../../../broker/http/request/params.ts";
import { userAgentOf } from "../../../broker/http/request/request-headers.ts";
import type { TypedCall } from "../../../broker/moleculer/handlers.ts";
import { ACCOUNT_FORMS, type AccountForm, type Fields, formOf, noteOn } from "./forms.ts";

const BODY_LIMIT = 10_000;
const MAX_TOKEN = 512;

export interface AccountPagesOptions {
  /** Calls an action as the gateway does. */
  call(meta: CallMeta): TypedCall;
  /** @throws when the address has sent too many */
  limit(exchange: Exchange): Promise<void>;
  /** Bytes per second. */
  minBodyRate: number;
}

export const accountPages = (options: AccountPagesOptions): Page[] =>
  ACCOUNT_FORMS.flatMap((form) => [shown(form), sent(form, options)]);

const shown = (form: AccountForm): Page => ({
  path: form.path,
  produces: "text/html",
  async respond({ res, query }) {
    const token = textOf(parseQuery(query), "token");
    if (token === undefined || token === "" || token.length > MAX_TOKEN)
      return send(
        res,
        400,
        form.title,
        "<h1>This link is not complete</h1><p>Copy all of it from the mail.</p>",
      );
    send(res, 200, form.title, formOf(form, token));
  },
});

const sent = (form: AccountForm, { call, limit, minBodyRate }: AccountPagesOptions): Page => ({
  path: form.path,
  method: "POST",
  produces: "text/html",
  async respond(exchange) {
    const { req, res, clientIp, trace, requestId } = exchange;
    await limit(exchange);
    if (bodyKind(req.headers["content-type"], true) !== "form")
      throw new SoukError("UNSUPPORTED_MEDIA_TYPE", "This page takes a form.");
    const bytes = await readBytes(req, res, { limit: BODY_LIMIT, minRate: minBodyRate });
    // A mail program that ends mails by one click (RFC 8058) posts to the link as it stands.
    const given = { ...parseQuery(exchange.query), ...parseQuery(bytes.toString()) };
    const fields: Fields = Object.fromEntries(Object.keys(given).map((name) => [name, textOf(given, name)]));
    const userAgent = userAgentOf(req.headers["user-agent"]);
    const meta: CallMeta = {
      clientIp,
      requestId,
      traceparent: trace.traceparent,
      ...(userAgent === undefined ? {} : { userAgent }),
    };
    try {
      const done = await form.act(call(meta), fields);
      send(res, 200, form.title, `<h1>Done</h1><p role="status">${done}</p>`);
    } catch (error) {
      const note = noteOn(error);
      const code = errorCode(error);
      if (note === undefined || code === undefined) throw error;
      exchange.code = code;
      const token = fields.token ?? "";
      send(res, errorEntry(code)?.status ?? 500, form.title, formOf(form, token.slice(0, MAX_TOKEN), note));
    }
  },
});

/** Of several values of one name, none counts. */
function textOf(fields: Readonly<Record<string, string | string[]>>, name: string): string | undefined {
  const value = fields[name];
  return typeof value === "string" ? value : undefined;
}

function send(res: Exchange["res"], status: number, title: string, content: string): void {
  const body = Buffer.from(htmlPage(title, content));
  res.setHeader("Content-Security-Policy", HTML_FORM_POLICY);
  res.setHeader("X-Robots-Tag", "noindex");
  res.writeHead(status, { "Content-Type": "text/html; charset=utf-8", "Content-Length": body.length });
  res.end(body);
}
