/** The pages of development's mailbox at `/dev/mail`. The service `notifications` makes them. */
import { isIP } from "node:net";
import { SoukError } from "../../broker/contract/errors.ts";
import type { Page } from "../../broker/http/gateway.ts";
import type { Exchange } from "../../broker/http/http-exchange.ts";
import type { Config } from "../../broker/moleculer/config.ts";
import type { TypedCall } from "../../broker/moleculer/handlers.ts";

type Part = "message" | "html" | "source";

/** Whether mails are kept for these pages. Never in production. */
export const hasDevMail = ({ NODE_ENV, MAIL_URL }: Pick<Config, "NODE_ENV" | "MAIL_URL">): boolean =>
  NODE_ENV !== "production" && MAIL_URL === undefined;

/** None where mails are sent. */
export function devMailPages(
  config: Pick<Config, "NODE_ENV" | "MAIL_URL" | "PUBLIC_URL">,
  call: TypedCall,
): Page[] {
  if (!hasDevMail(config)) return [];
  const { PUBLIC_URL } = config;
  const ownHost = PUBLIC_URL ? new URL(PUBLIC_URL).hostname : undefined;

  async function respond(exchange: Exchange, part?: Part): Promise<void> {
    checkHost(exchange, ownHost);
    const id = part && decodeURIComponent(exchange.path.split("/")[3] ?? "").slice(0, 36);
    const before = part ? undefined : (new URLSearchParams(exchange.query).get("before") ?? undefined);
    const { body, type, policy, framed } = await call("notifications.mailboxPage", {
      ...(part && { id, part }),
      ...(before !== undefined && { before: before.slice(0, 36) }),
    });
    const { req, res } = exchange;
    res.setHeader("Content-Security-Policy", policy);
    if (framed) res.setHeader("X-Frame-Options", "SAMEORIGIN");
    res.writeHead(200, {
      "Content-Type": `${type}; charset=utf-8`,
      "Content-Length": Buffer.byteLength(body),
    });
    res.end(req.method === "HEAD" ? undefined : body);
  }

  const page = (path: string, produces: string, part?: Part): Page => ({
    path,
    produces,
    respond: (exchange) => respond(exchange, part),
  });
  return [
    page("/dev/mail", "text/html"),
    page("/dev/mail/:id", "text/html", "message"),
    page("/dev/mail/:id/html", "text/html", "html"),
    page("/dev/mail/:id/source", "text/plain", "source"),
  ];
}

/**
 * The mails hold secrets. A page of another site can make its own name lead to this machine, and would read them: so the
 * request must have been made to an address, to this machine's own name, or to the shop's.
 */
function checkHost({ req }: Exchange, ownHost: string | undefined): void {
  const given = `http://${req.headers.host ?? ""}`;
  const host = URL.canParse(given) ? new URL(given).hostname.replace(/^\[|\]$/g, "") : "";
  if (isIP(host) === 0 && host !== "localhost" && !host.endsWith(".localhost") && host !== ownHost)
    throw new SoukError("FORBIDDEN", "Development's mailbox is shown at the shop's own address only.");
}
