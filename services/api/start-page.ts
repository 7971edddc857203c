/** The page at `/`: what this is, and where to go on. */
import { API_BASE } from "../../broker/http/api-route.ts";
import { escapeHtml, htmlPage } from "../../broker/http/html-page.ts";
import { publicUrl } from "../../broker/http/public-url.ts";
import type { Config } from "../../broker/moleculer/config.ts";
import { hasDevMail } from "./dev-mail-pages.ts";

/** A customer's way from the door to the till. It runs in a shell as it stands. */
const story = (api: string): string => `API=${api}
first() { sed 's/.*"'$1'":"\\([^"]*\\)".*/\\1/'; }

# sign up
ME=$(date +%s%N)@example.com
TOKEN=$(curl -s $API/auth/register -H 'Content-Type: application/json' \\
  -d '{"email":"'$ME'","password":"correct horse battery staple","name":"Ann"}' | first accessToken)

# put something in the cart
SKU=$(curl -s "$API/products?limit=1&inStock=true" | first sku)
curl -s -X PUT $API/cart/items/$SKU -H "Authorization: Bearer $TOKEN" \\
  -H 'Content-Type: application/json' -d '{"quantity":1}'

# order it
curl -s $API/orders -H "Authorization: Bearer $TOKEN" -H "Idempotency-Key: $(date +%s%N)" \\
  -H 'Content-Type: application/json' -d '{"payment":{"provider":"sandbox"},"shippingAddress":
  {"name":"Ann","line1":"1 Market Street","city":"Springfield","region":"IL","postalCode":"62701","country":"US"}}' | first url

# open the address that this prints, and pay there
`;

const LINKS = [
  ["/docs", "API", "Every route, to try out"],
  ["#story", "A story", "From signing up to paying, with curl"],
  ["/docs/errors", "Errors", "Every code, and what it means"],
  ["/health/ready", "Health", "Whether the shop is ready"],
  ["/openapi.json", "OpenAPI", "The routes, for generators of clients"],
  ["/asyncapi.json", "AsyncAPI", "The messages, for other services"],
] as const;
const MAILS = ["/dev/mail", "Mails", "What the shop would have sent"] as const;

type Settings = Pick<
  Config,
  "NODE_ENV" | "MAIL_URL" | "PUBLIC_URL" | "HOST" | "PORT" | "SHOP_NAME" | "SELLER_NAME"
>;

export function startPage({ SHOP_NAME, SELLER_NAME, ...gateway }: Settings): string {
  const name = SHOP_NAME ?? SELLER_NAME;
  const api = publicUrl(gateway) + API_BASE;
  const links = hasDevMail(gateway) ? [...LINKS, MAILS] : LINKS;
  const cards = links.map(
    ([href, title, what]) => `<li><a href="${href}"><b>${title}</b><span>${what}</span></a></li>`,
  );
  return htmlPage(
    name,
    `<h1>${escapeHtml(name)}</h1>
<p>The shop is running. Its API is at <a href="/api/v1/shop">${escapeHtml(api)}</a>.</p>
<ul class="cards">
${cards.join("\n")}
</ul>
<h2 id="story">A story</h2>
<p>A customer signs up, fills a cart and orders. The sandbox takes the payment, and no money.</p>
<pre>${escapeHtml(story(api))}</pre>`,
  );
}
