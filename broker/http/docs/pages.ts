/** Pages beside the API: interactive docs (Swagger UI, served from here), the list of errors, health, metrics. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { ErrorEntry } from "../../contract/errors.ts";
import { sharedValue } from "../../resilience/single-flight.ts";
import type { Page } from "../gateway.ts";
import { escapeHtml } from "../html-page.ts";
import type { Exchange } from "../http-exchange.ts";
import { bodyTag, isNotModified } from "../request/conditional.ts";

const DOCS_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
  "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const DOCS_PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Souk API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/swagger-ui.css">
<script src="/docs/swagger-ui-bundle.js" defer></script>
<script src="/docs/start.js" defer></script>
</head>
<body><div id="docs"></div></body>
</html>
`;
const DOCS_START = `SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  displayRequestDuration: true,
  persistAuthorization: false,
  validatorUrl: null,
});
`;

export interface Documents {
  /** Built on first use, because it costs more than the rest of a start. */
  openapi(): unknown;
  asyncapi(): unknown;
  errors(): readonly [code: string, entry: ErrorEntry][];
}

export function docsPages({ openapi, asyncapi, errors }: Documents): Page[] {
  return [
    fixed("/docs", "text/html", () => DOCS_PAGE, DOCS_POLICY),
    fixed("/docs/errors", "text/html", () => errorsPage(errors()), DOCS_POLICY),
    fixed("/docs/start.js", "text/javascript", () => DOCS_START),
    fixed("/docs/swagger-ui.css", "text/css", () => swaggerUi("swagger-ui.css")),
    fixed("/docs/swagger-ui-bundle.js", "text/javascript", () => swaggerUi("swagger-ui-bundle.js")),
    fixed("/openapi.json", "application/json", () => JSON.stringify(openapi())),
    fixed("/asyncapi.json", "application/json", () => JSON.stringify(asyncapi())),
  ];
}

const swaggerUi = (file: string): Promise<string> =>
  readFile(createRequire(import.meta.url).resolve(`swagger-ui-dist/${file}`), "utf8");

/** A page that never changes while the process runs. It is built once, then revalidated by its tag. */
export function fixed(
  path: string,
  produces: string,
  make: () => string | Promise<string>,
  policy?: string,
): Page {
  const made = sharedValue(async () => {
    const text = await make();
    return { body: Buffer.from(text), tag: bodyTag(text) };
  });
  return {
    path,
    produces,
    async respond({ req, res }) {
      const { body, tag } = await made.get();
      if (policy) res.setHeader("Content-Security-Policy", policy);
      res.setHeader("Cache-Control", "public, no-cache");
      res.setHeader("ETag", tag);
      if (isNotModified(req.headers["if-none-match"], tag)) {
        res.writeHead(304).end();
        return;
      }
      send({ req, res }, 200, produces, body);
    },
  };
}

/** A page whose content is requested each time and never stored. It is answered also under overload. */
export function live(
  path: string,
  produces: string,
  make: () => Promise<{ status: number; body: string }>,
): Page {
  return {
    path,
    produces,
    always: true,
    async respond(exchange) {
      const { status, body } = await make();
      send(exchange, status, produces, Buffer.from(body));
    },
  };
}

function send({ res }: Pick<Exchange, "req" | "res">, status: number, type: string, body: Buffer): void {
  const charset = type.startsWith("text/") ? "; charset=utf-8" : "";
  res.writeHead(status, { "Content-Type": type + charset, "Content-Length": body.length });
  res.end(body);
}

const ERRORS_STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 64rem; margin: 2rem auto; padding: 0 1rem; }
table { width: 100%; border-collapse: collapse; }
th, td { padding: .4rem .75rem; text-align: left; vertical-align: top; border-bottom: 1px solid #8884; }
tr:target { background: #fde68a; color: #422006; }
`;

/** The page to which a problem's `type` points. */
function errorsPage(errors: ReturnType<Documents["errors"]>): string {
  const rows = errors.map(
    ([code, entry]) =>
      `<tr id="${code}"><td><code>${code.replaceAll("_", "_<wbr>")}</code></td><td>${entry.status}</td><td>${escapeHtml(entry.title)}</td>` +
      `<td>${entry.retryable ? "yes" : "no"}</td></tr>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Souk API: errors</title>
<style>${ERRORS_STYLE}</style>
</head>
<body>
<h1>Errors</h1>
<p>Every failure is an <code>application/problem+json</code> document (RFC 9457) with one of these codes.
<a href="/docs">The API</a></p>
<table>
<tr><th>code</th><th>status</th><th>meaning</th><th>worth repeating as it is</th></tr>
${rows.join("\n")}
</table>
</body>
</html>
`;
}
